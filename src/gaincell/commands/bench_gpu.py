"""``gaincell bench-gpu``: attention of one new token on a GPU, beside the published figures."""

import argparse
import json
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.files import check_writable, replacing
from gaincell.gpu_bench.figures import Figure, as_json, ours, published
from gaincell.gpu_bench.records import AUTHORS_BATCH, DTYPES, Bench, Row, Settings
from gaincell.refusals import Failed, Refused, refusing
from gaincell.text import grid, si, table

if TYPE_CHECKING:
    from gaincell.gpu_bench.machine import Machine

DEVICES = ("cuda", "cpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--heads", type=int, default=12, help="default 12")
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
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement; default 2")
    add_seed(parser, "queries, keys, values")
    add_output(parser, "JSON file for everything")


def run(arguments: argparse.Namespace) -> int:
    if find_spec("torch") is None:
        raise Refused("this command needs torch: pip install 'gaincell[ml]'")
    with refusing():
        kind = _device(arguments.device)
        settings = _settings(arguments, kind)
        if arguments.output is not None:
            check_writable(arguments.output)
    from gaincell.gpu_bench import machine
    from gaincell.ml.process.memory import keep_freed_memory

    keep_freed_memory()
    found = measured(settings, machine.cuda() if kind == "cuda" else machine.cpu())
    print(report(found))
    if arguments.output is not None:
        with replacing(arguments.output) as unfinished:
            text = json.dumps(as_json(found), indent=1, allow_nan=False) + "\n"
            unfinished.write_text(text, encoding="utf-8")
        print(f"\n  saved in {arguments.output}")
    return 0


def measured(settings: Settings, machine: "Machine") -> Bench:
    """All rows, with a progress bar.

    Raises
    ------
    Failed
        Two ways to compute the same differ, memory does not suffice, or the device failed.
    """
    import torch
    from tqdm import tqdm

    from gaincell.gpu_bench.bench import bench, measurements
    from gaincell.gpu_bench.workload import bytes_of
    from gaincell.ml.process.quiet import first_line

    total = measurements(settings, machine)
    try:
        with tqdm(total=total, unit="row", desc=machine.kind, disable=None) as bar:
            return bench(settings, machine, told=lambda _: bar.update() and None)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            largest = max(settings.batches)
            own = bytes_of(settings, largest)
            authors = bytes_of(replace(settings, dtype="float32"), AUTHORS_BATCH)
            raise Failed(
                f"memory of the {machine.kind} device does not suffice: queries, keys and values "
                f"take {own / 1e9:.3g} GB at batch {largest} and {authors / 1e9:.3g} GB in the "
                "authors' setting; lower --batches, --window, --heads or --head-dim"
            ) from error
        raise Failed(first_line(error)) from error


def report(found: Bench) -> str:
    """What was measured on, the table, and notes."""
    rows = [["", "", "step", "lowest..highest", "step / batch", "energy / token", "above idle"]]
    rows += [_measured_cells(row) for row in found.rows]
    rows += [_figure_cells(figure) for figure in (*published(), ours())]
    return "\n\n".join((table(_header(found)), grid(rows), table(_notes(found))))


def _header(found: Bench) -> list[tuple[str, str]]:
    device, settings = found.device, found.settings
    name = f"{device.kind}: {device.name}"
    if device.threads is not None:
        name += ", 1 thread" if device.threads == 1 else f", {device.threads} threads"
    sizes = f"{settings.heads} heads of {settings.head_dim}, window {settings.window}"
    rows = [("device", name), ("torch", found.versions["torch"])]
    if device.kind == "cuda":
        rows.append(("driver", device.driver or "not known"))
    rows.append(("one new token", f"{sizes}, {settings.dtype}, seed {settings.seed}"))
    if found.idle_power_w is not None:
        rows.append(("idle power", f"{found.idle_power_w:.4g} W"))
    return rows


def _measured_cells(row: Row) -> list[str]:
    cells = [
        row.case,
        row.label,
        si(row.median_s, "s"),
        f"{si(min(row.repeats_s), 's')}..{si(max(row.repeats_s), 's')}",
        si(row.per_token_s, "s"),
    ]
    if row.energy is None:
        return [*cells, "-", "-"]
    per_token, above = row.energy.per_token_j, row.energy.per_token_above_idle_j
    return [*cells, si(per_token, "J"), si(above, "J")]


def _figure_cells(figure: Figure) -> list[str]:
    heads = "1 head" if figure.heads == 1 else f"{figure.heads} heads"
    energy = "-" if figure.energy_j is None else si(figure.energy_j, "J")
    energies = ["-", energy] if figure.above_idle else [energy, "-"]
    latency = si(figure.latency_s, "s")
    divided = ["-", "-", latency] if figure.above_idle else [latency, "-", latency]
    return [f"{figure.case}, {heads}", figure.label, *divided, *energies]


def _notes(found: Bench) -> list[tuple[str, str]]:
    copies = {f"{row.copies} at batch {row.batch}": None for row in found.rows if not row.authors}
    notes = [
        (
            "step",
            "one new token of each sequence of the batch: median of "
            f"{len(found.rows[0].repeats_s)} repeats",
        ),
        ("step / batch", "a throughput's inverse; no token is ready after it"),
        ("copies", f"of queries, keys and values, used in turn: {', '.join(copies)}"),
        (
            "authors' setting",
            "host clock without synchronisation, divided by the batch, float32; the query sees "
            "one key, or all without softmax",
        ),
    ]
    return notes + [("note", note) for note in found.notes]


def _device(name: str | None) -> str:
    import torch

    there = torch.cuda.is_available()
    if name is None:
        return "cuda" if there else "cpu"
    if name not in DEVICES:
        raise ValueError(f'--device is "{name}", but must be {" or ".join(DEVICES)}')
    if name == "cuda" and not there:
        raise ValueError(
            "--device is cuda, but torch finds no CUDA here: use --device cpu, or install a CUDA "
            "build of torch where there is a GPU"
        )
    return name


def _settings(arguments: argparse.Namespace, kind: str) -> Settings:
    check_least(arguments, 1, "heads", "head_dim", "window")
    if not 0 < arguments.seconds < float("inf"):
        raise ValueError(f"--seconds is {arguments.seconds}, but must be above 0")
    if not 0 <= arguments.seed < 2**63:
        raise ValueError(f"--seed is {arguments.seed}, but must be 0..2^63 - 1")
    dtype = arguments.dtype or ("float16" if kind == "cuda" else "float32")
    if dtype not in DTYPES:
        raise ValueError(f'--dtype is "{dtype}", but must be {" or ".join(DTYPES)}')
    if kind == "cpu" and dtype != "float32":
        raise ValueError(f"--dtype is {dtype}, but on a CPU only float32 is measured")
    return Settings(
        heads=arguments.heads,
        head_dim=arguments.head_dim,
        window=arguments.window,
        batches=_batches(arguments.batches),
        dtype=dtype,
        seconds=arguments.seconds,
        seed=arguments.seed,
    )


def _batches(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise ValueError(
            f'--batches is "{text}", but must be whole numbers above 0 with commas between, such '
            "as 1,64"
        )
    return tuple(dict.fromkeys(map(int, parts)))
