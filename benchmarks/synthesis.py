"""What a head costs in cells: libraries, readouts, clock gating and sampling flops in one table.

    python benchmarks/synthesis.py LIBERTY... -o docs/evidence/tables/silicon.md

Each row is a run of ``gaincell synth`` on the default head, with the shipped tokens of a language
model through the netlist. Runs that are done are kept in ``--folder``; an interrupted campaign goes
on where it stopped. ``--reference`` writes the metrics that ``gaincell estimate`` starts from.
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

from gaincell.config import READOUT_NAMES

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One run; ``library`` is a Liberty file, or None for the embedded estimate."""

    library: Path | None
    readout: str
    gating: bool
    sync_stages: int
    memory: str = "flops"

    @property
    def name(self) -> str:
        library = "estimate" if self.library is None else self.library.name.split(".")[0]
        gating = "gated" if self.gating else "muxed"
        return f"{library}-{self.readout}-{gating}-sync{self.sync_stages}-{self.memory}"

    def metrics(self, folder: Path) -> Metrics:
        """Run it unless it was run before."""
        place = folder / self.name
        done = place / "metrics.json"
        if not done.exists():
            config = folder / f"{self.name}.toml"
            config.write_text(f'readout = "{self.readout}"\nsync_stages = {self.sync_stages}\n')
            options = ["--memory", self.memory, *([] if self.gating else ["--no-clock-gating"])]
            command = [executable, "-m", "gaincell", "synth", "--config", str(config), *options]
            command += ["-o", str(place)]
            command += [] if self.library is None else ["--liberty", str(self.library)]
            print(" ".join(command[2:]), flush=True)
            with (folder / f"{self.name}.log").open("w") as log:
                run(command, check=True, stdout=log, stderr=log)
        found: Metrics = json.loads(done.read_text())
        return found


def rows_for(libraries: list[Path]) -> list[Row]:
    """The table's rows; a memory macro is known at 45 nm only, which comes first."""
    first = [Row(libraries[0], "popcount", True, sync_stages, "macro") for sync_stages in (1, 2)]
    grid = product(READOUT_NAMES, libraries, (True, False), (1, 2))
    unmapped = [Row(None, readout, True, 1) for readout in READOUT_NAMES]
    return (
        first
        + unmapped
        + [
            Row(library, readout, gating, sync_stages)
            for readout, library, gating, sync_stages in grid
        ]
    )


def text_of(row: Row, metrics: Metrics) -> str:
    """A line of the table."""
    area, timing, power = (metrics[part] for part in ("area", "timing", "power"))
    library = metrics["library"]
    macro = area["memory_macro_um2"] or 0.0
    slack = "not timed" if timing["slack_ns"] is None else f"{timing['slack_ns']:+.2f}"
    fmax = "" if timing["fmax_mhz"] is None else f"{timing['fmax_mhz']:.0f}"
    cells = [
        f"{library['name']}, {library['corner']}, {library['voltage_v']:g} V",
        row.readout,
        "gates" if row.gating else "multiplexers",
        str(row.sync_stages),
        row.memory,
        f"{area['cells_um2'] + macro:,.0f}".replace(",", " "),
        str(area["flops"]),
        fmax,
        slack,
        "" if power is None else f"{power['total_w'] * 1e3:.1f}",
        "" if power is None else f"{metrics['energy_per_token_j'] * 1e9:.2f}",
        f"{sum(metrics['seconds'].values()):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


HEADER = """\
| library | readout | enables become | sync_stages | marks | um2 | flops | fmax, MHz | slack at \
1 GHz, ns | mW | nJ/token | flow, s |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("libraries", nargs="+", type=Path, help="Liberty files, 45 nm first")
    parser.add_argument("--folder", type=Path, default=Path("build/synthesis"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = rows_for(arguments.libraries)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = list(pool.map(lambda row: row.metrics(arguments.folder), rows))
    lines = [text_of(row, metrics) for row, metrics in zip(rows, found, strict=True)]
    arguments.output.write_text(HEADER + "\n".join(lines) + "\n")
    if arguments.reference is not None:
        arguments.reference.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
