"""Area, timing and power of a head: libraries, readouts, clock gating, sampling flops in a table.

    python benchmarks/synthesis.py LIBERTY... --node-nm NM... -o docs/evidence/tables/silicon.md
    python benchmarks/synthesis.py LIBERTY --node-nm 45 --cores -o docs/evidence/tables/cores.md

Each row is a run of ``gaincell synth`` on the default head, with the shipped tokens of a language
model through the netlist. Finished runs stay in ``--folder``: an interrupted campaign goes on where
it stopped. ``--reference`` writes the metrics that ``gaincell estimate`` starts from. ``--cores``
asks what a head costs alone and in cores of several heads, with a few tokens through each netlist.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from sys import executable

from gaincell.config import READOUT_NAMES
from gaincell.synth.blocks import BLOCKS
from gaincell.synth.metrics import METRICS, Metrics, as_json, read_metrics
from gaincell.text import markdown

HEADS = (1, 4, 12)
CORE_TOKENS = 100
SHARED = {*BLOCKS} - {"query_pulses", "readout", "result_queue"}
"""Blocks that a core has once."""


@dataclass(frozen=True)
class Row:
    """One run; ``library`` is a Liberty file, or None for the embedded estimate.

    heads : of a core; None: the head by itself
    """

    library: Path | None
    readout: str
    gating: bool
    sync_stages: int
    node_nm: float | None = None
    heads: int | None = None

    @property
    def name(self) -> str:
        library = "estimate" if self.library is None else self.library.name.split(".")[0]
        gating = "gated" if self.gating else "muxed"
        name = f"{library}-{self.readout}-{gating}-sync{self.sync_stages}"
        return name if self.heads is None else f"{name}-heads{self.heads}"

    def metrics(self, folder: Path) -> Metrics:
        """Run it unless it was run before."""
        place = folder / self.name
        done = place / METRICS
        if not done.exists():
            config = folder / f"{self.name}.toml"
            config.write_text(f'readout = "{self.readout}"\nsync_stages = {self.sync_stages}\n')
            command = [executable, "-m", "gaincell", "synth", "-o", str(place)]
            command += [] if self.gating else ["--no-clock-gating"]
            if self.heads is None:
                command += ["--config", str(config)]
            else:
                command += ["--core", str(config), "--heads", str(self.heads)]
                command += ["--tokens", str(CORE_TOKENS)]
            command += [] if self.library is None else ["--liberty", str(self.library)]
            command += [] if self.node_nm is None else ["--node-nm", f"{self.node_nm:g}"]
            print(" ".join(command[2:]), flush=True)
            with (folder / f"{self.name}.log").open("w") as log:
                run(command, check=True, stdout=log, stderr=log)
        return read_metrics(json.loads(done.read_text()))


def rows_for(libraries: list[Path], nodes_nm: Sequence[float] = ()) -> list[Row]:
    """The table's rows: the default head first, then one choice after the other changed."""
    node_nm = dict(zip(libraries, nodes_nm, strict=False))
    grid = [
        *((library, "popcount", gating, 1) for library in libraries for gating in (True, False)),
        (libraries[0], "popcount", True, 2),
        (libraries[0], "counters", True, 1),
        *((None, readout, True, 1) for readout in READOUT_NAMES),
    ]
    return [Row(*row, node_nm=node_nm.get(row[0])) for row in grid]


def core_rows(library: Path, node_nm: float | None) -> list[Row]:
    """The rows of a table of cores: one head first."""
    return [Row(library, "popcount", True, 1, node_nm, heads) for heads in HEADS]


def _shared_um2(metrics: Metrics) -> float:
    """What a core has once."""
    blocks = metrics.area.by_block
    return sum(part.area_um2 for name, part in blocks.items() if name in SHARED)


def _library(metrics: Metrics) -> str:
    library = metrics.library
    return f"{library.name}, {library.corner}, {library.voltage_v:g} V"


def _slack(metrics: Metrics) -> str:
    slack_ns = metrics.timing.slack_ns
    return "not timed" if slack_ns is None else f"{slack_ns:+.2f}"


def _number(value: float | None, scale: float, digits: int) -> str:
    """``value`` times ``scale``; nothing where there is no value."""
    return "" if value is None else f"{value * scale:.{digits}f}"


COLUMNS: dict[str, Callable[[Row, Metrics], str]] = {
    "library": lambda row, metrics: _library(metrics),
    "readout": lambda row, metrics: row.readout,
    "enables become": lambda row, metrics: "gates" if row.gating else "multiplexers",
    "sync_stages": lambda row, metrics: str(row.sync_stages),
    "um2": lambda row, metrics: f"{metrics.area.cells_um2:,.0f}".replace(",", " "),
    "flops": lambda row, metrics: str(metrics.area.flops),
    "fmax, MHz": lambda row, metrics: _number(metrics.timing.fmax_mhz, 1, 0),
    "slack at 1 GHz, ns": lambda row, metrics: _slack(metrics),
    "mW": lambda row, metrics: _number(metrics.power and metrics.power.total_w, 1e3, 1),
    "nJ/token": lambda row, metrics: _number(metrics.energy_per_token_j, 1e9, 2),
    "flow, s": lambda row, metrics: f"{sum(metrics.seconds.values()):.0f}",
}
"""The table's columns, from left to right."""


def text_of(row: Row, metrics: Metrics) -> list[str]:
    """The cells of a line of the table."""
    return [column(row, metrics) for column in COLUMNS.values()]


CORE_COLUMNS: dict[str, Callable[[Row, Metrics], str]] = {
    "heads": lambda row, metrics: str(metrics.heads),
    "um2 per head": lambda row, metrics: _number(metrics.area.cells_um2, 1 / metrics.heads, 0),
    "of it shared": lambda row, metrics: _number(_shared_um2(metrics), 1 / metrics.heads, 0),
    "flops per head": lambda row, metrics: _number(metrics.area.flops, 1 / metrics.heads, 0),
    "fmax, MHz": COLUMNS["fmax, MHz"],
    "mW per head": lambda row, metrics: _number(
        metrics.power and metrics.power.total_w, 1e3 / metrics.heads, 1
    ),
    "nJ per token and head": lambda row, metrics: _number(_energy_j(metrics), 1e9, 3),
}
"""The columns of a table of cores."""


def _energy_j(metrics: Metrics) -> float:
    """Of a token and head; every core's netlist is simulated."""
    assert metrics.energy_per_token_j is not None
    return metrics.energy_per_token_j / metrics.heads


def core_table(rows: list[Row], results: list[Metrics]) -> str:
    """Markdown; the last column compares with the first row."""
    alone_j = _energy_j(results[0])
    lines = []
    for row, metrics in zip(rows, results, strict=True):
        cells = [column(row, metrics) for column in CORE_COLUMNS.values()]
        lines.append([*cells, f"{_energy_j(metrics) / alone_j:.2f}"])
    return markdown([*CORE_COLUMNS, "of one head's"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("libraries", nargs="+", type=Path, help="Liberty files, 45 nm first")
    parser.add_argument("--node-nm", nargs="+", type=float, default=[], help="node of each, nm")
    parser.add_argument("--folder", type=Path, default=Path("build/synthesis"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--cores", action="store_true", help="cores, in the first library only")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = rows_for(arguments.libraries, arguments.node_nm)
    if arguments.cores:
        node_nm = next(iter(arguments.node_nm), None)
        rows = core_rows(arguments.libraries[0], node_nm)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda row: row.metrics(arguments.folder), rows))
    if arguments.cores:
        text = core_table(rows, results)
    else:
        lines = [text_of(row, metrics) for row, metrics in zip(rows, results, strict=True)]
        text = markdown(list(COLUMNS), lines)
    arguments.output.write_text(text + "\n")
    if arguments.reference is not None:
        reference = [as_json(metrics) for metrics in results]
        arguments.reference.write_text(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()
