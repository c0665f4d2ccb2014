"""``make fuzz``: random heads and cores, random tokens, random pacing; every output must be exact.

Each case draws a geometry, code widths, timing, schedule, readout, queries per token, retention and
a memory; of a core also heads, groups and beats. It runs at least three laps of the ring on one of
the two transports, and compares all outputs with the contract; one case in ten runs under both
simulators, which must say the same. The tables it writes are committed as docs/evidence/fuzz.md and
docs/evidence/fuzz_cores.md.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from gaincell.cocotb_tests.fuzz.report import report
from gaincell.cocotb_tests.fuzz.run import run_core, run_head
from gaincell.cocotb_tests.run import simulators
from gaincell.files import check_writable, replacing

MADE = {"heads": 300, "cores": 100}
"""Cases of ``make fuzz``."""


def _compile_fast() -> None:
    """Runs of a few hundred tokens are shorter than an optimizing compiler."""
    simulators.OPTIMIZATION = "-O0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=MADE["heads"], help="heads")
    parser.add_argument("--cores", type=int, help="draw this many cores instead of heads")
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the rest count up")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at a time")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check_writable(arguments.output)
    except ValueError as error:
        parser.error(str(error))
    started = time.monotonic()
    what, run, cases = "heads", run_head, arguments.cases
    if arguments.cores is not None:
        what, run, cases = "cores", run_core, arguments.cores
    whole = arguments.seed == 0 and cases == MADE[what]
    called = ["python -m gaincell.cocotb_tests.fuzz", *sys.argv[1:]]
    command = "make fuzz" if whole else " ".join(called)
    seeds = range(arguments.seed, arguments.seed + cases)
    verdicts = []
    with ProcessPoolExecutor(arguments.jobs, initializer=_compile_fast) as workers:
        for verdict in tqdm(workers.map(run, seeds), total=len(seeds), unit=f" {what}"):
            verdicts.append(verdict)
            if verdict.failure:
                tqdm.write(f"seed {verdict.case.seed}: {verdict.failure}")
    text = report(verdicts, what, command, time.monotonic() - started)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(text)
    return int(any(verdict.failure for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
