"""Runs the official rule deck of a process, where PDK_ROOT and KLayout's program are."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from gaincell.system.processes import reason, run

DECKS = {"sky130": Path("sky130A/libs.tech/klayout/drc/sky130A_mr.drc")}
"""Place of a process's deck below PDK_ROOT, as open_pdks installs it."""
PARTS = ("feol", "beol", "offgrid", "seal", "floating_met")
"""Groups of rules of the deck; all are run."""


@dataclass(frozen=True)
class DeckResult:
    """How many ``violations`` the deck found, in how many kinds of rules it has."""

    violations: int
    kinds: int


def find_deck(process: str) -> Path | None:
    """The deck of a process below PDK_ROOT; None: it, or the program klayout, is not there."""
    root, place = os.environ.get("PDK_ROOT"), DECKS.get(process)
    if not root or place is None or shutil.which("klayout") is None:
        return None
    deck = Path(root) / place
    return deck if deck.is_file() else None


def run_deck(deck: Path, gds: Path, top: str, report: Path) -> DeckResult:
    """Check a GDS; the program's report is left in ``report``, and its log beside it.

    Raises
    ------
    ValueError
        The program fails.
    """
    values = {"input": gds.resolve(), "report": report.resolve(), "top_cell": top}
    settings = [f"{name}={value}" for name, value in values.items()]
    settings += [f"{part}=true" for part in PARTS]
    words = [word for setting in settings for word in ("-rd", setting)]
    log = report.with_suffix(".log")
    command = ["klayout", "-b", "-zz", *words, "-r", str(deck.resolve())]
    status = run(command, report.parent, log)
    if status or not report.is_file():
        raise ValueError(f"deck {deck} failed: {reason(log, status)}")
    tree = ElementTree.parse(report)
    count = sum(1 for _ in tree.iter("item"))
    return DeckResult(count, sum(1 for _ in tree.iter("category")))
