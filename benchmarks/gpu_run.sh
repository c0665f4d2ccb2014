#!/usr/bin/env bash
# All that only a GPU makes possible, in calls of less than ten minutes: docs/do/bench_gpu.md.
#     benchmarks/gpu_run.sh prepare --text A.txt B.txt --scored prose=C.txt code=D.txt -o pieces
#     benchmarks/gpu_run.sh unpack pieces
#     benchmarks/gpu_run.sh run --limit-s 540 --out results
#     benchmarks/gpu_run.sh status
# PYTHON chooses the interpreter. Wheels that were prepared are installed below the working folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
export PYTHONPATH="$top/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
work=build/gpu
words=("$@")
for ((i = 0; i < $#; i++)); do
    if [ "${words[i]}" = --work ]; then work=${words[i + 1]:-$work}; fi
done
wheels=("$work"/prepared/wheels/*.whl)
if [ -e "${wheels[0]}" ]; then
    if [ ! -d "$work/site" ]; then
        rm -rf "$work/site.unfinished"
        "$python" -m pip install -q --no-index --no-deps --no-compile \
            --target "$work/site.unfinished" "${wheels[@]}"
        mv "$work/site.unfinished" "$work/site"
    fi
    export PYTHONPATH="$PYTHONPATH:$(cd "$work/site" && pwd)"
fi
exec "$python" -m gaincell.gpu_run "$@"
