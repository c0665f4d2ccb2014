"""``gaincell bench-gpu``: attention of one new token on a GPU, beside the published figures."""

import argparse
import json
from importlib.util import find_spec

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.shown.gpu import report
from gaincell.files import check_writable, replacing
from gaincell.gpu_bench.figures import as_json
from gaincell.gpu_bench.records import DTYPES, Settings
from gaincell.refusals import Unable, refusing

DEVICES = ("cuda", "cpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--heads", type=int, default=12, help="heads of the layer; default 12")
    parser.add_argument("--head-dim", type=int, default=64, help="dimensions of a head; default 64")
    parser.add_argument(
        "--window", type=int, default=1024, help="keys that the new token sees; default 1024"
    )
    parser.add_argument(
        "--batches", default="1,64", help="sequences at once, rows for each; default 1,64"
    )
    parser.add_argument(
        "--dtype",
        help=f"{', '.join(DTYPES)}; default: float16 on a GPU; on a CPU float32, and no other",
    )
    parser.add_argument("--device", help="cuda or cpu; default: cuda if there is one")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="seconds of each measurement; default 2"
    )
    add_seed(parser, "queries, keys, values")
    add_output(parser, "JSON file for everything")


def run(arguments: argparse.Namespace) -> int:
    if find_spec("torch") is None:
        raise Unable("this command needs torch: pip install 'gaincell[ml]'")
    with refusing():
        _check(arguments)
    from gaincell.gpu_bench.machine import machine_of
    from gaincell.gpu_bench.run import measured
    from gaincell.ml.process.memory import keep_freed_memory

    with refusing():
        machine = machine_of(arguments.device)
        settings = _settings(arguments, machine.kind)
    keep_freed_memory()
    bench = measured(settings, machine)
    print(report(bench))
    if arguments.output is not None:
        with replacing(arguments.output) as unfinished:
            text = json.dumps(as_json(bench), indent=1, allow_nan=False) + "\n"
            unfinished.write_text(text, encoding="utf-8")
        print(f"\n  saved in {arguments.output}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Check all that does not depend on the devices there are."""
    if arguments.device is not None and arguments.device not in DEVICES:
        raise ValueError(f'--device is "{arguments.device}", but must be {" or ".join(DEVICES)}')
    check_least(arguments, 1, "heads", "head_dim", "window")
    if not 0 < arguments.seconds < float("inf"):
        raise ValueError(f"--seconds is {arguments.seconds}, but must be above 0")
    if not 0 <= arguments.seed < 2**63:
        raise ValueError(f"--seed is {arguments.seed}, but must be 0..2^63 - 1")
    if arguments.dtype is not None and arguments.dtype not in DTYPES:
        raise ValueError(f'--dtype is "{arguments.dtype}", but must be {" or ".join(DTYPES)}')
    if arguments.device == "cpu":
        _dtype_on("cpu", arguments.dtype)
    _batches(arguments.batches)
    if arguments.output is not None:
        check_writable(arguments.output)


def _settings(arguments: argparse.Namespace, kind: str) -> Settings:
    return Settings(
        heads=arguments.heads,
        head_dim=arguments.head_dim,
        window=arguments.window,
        batches=_batches(arguments.batches),
        dtype=_dtype_on(kind, arguments.dtype),
        seconds=arguments.seconds,
        seed=arguments.seed,
    )


def _dtype_on(kind: str, dtype: str | None) -> str:
    """The type to measure on a device of that kind."""
    if kind == "cpu" and dtype not in (None, "float32"):
        raise ValueError(f"--dtype is {dtype}, but on a CPU only float32 is measured")
    return dtype or ("float16" if kind == "cuda" else "float32")


def _batches(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise ValueError(
            f'--batches is "{text}", but must be whole numbers above 0 with commas between, such '
            "as 1,64"
        )
    return tuple(dict.fromkeys(map(int, parts)))
