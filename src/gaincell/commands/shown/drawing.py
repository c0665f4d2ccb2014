"""What commands that draw for a process say: progress, and what the checks found."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gaincell.refusals import Failed

if TYPE_CHECKING:
    from gaincell.layout.arrays.flow import TileMetrics
    from gaincell.layout.deck import DeckResult
    from gaincell.layout.rows.flow import PartMetrics


def say(text: str) -> None:
    """A line of progress, beside the results."""
    print(text, file=sys.stderr, flush=True)


def broken_text(violations: Mapping[str, int]) -> str:
    """How often each broken rule is broken, in words."""
    return ", ".join(f"{name} {count}" for name, count in violations.items()) or "none broken"


def official_text(deck: "DeckResult | None") -> str:
    """What the official deck found, in words."""
    if deck is None:
        return "not run: PDK_ROOT has none, or the program klayout is missing"
    return f"{deck.violations} violations of {deck.kinds} kinds"


def check_rows(metrics: "TileMetrics | PartMetrics") -> list[tuple[str, str]]:
    """Rules, official deck and circuit of a drawing."""
    whose = "that of" if metrics.same_circuit else "NOT that of"
    return [
        ("rules", f"{metrics.rules} checked, {broken_text(metrics.violations)}"),
        ("official deck", official_text(metrics.deck)),
        ("circuit", f"{whose} design {metrics.design}, {metrics.transistors} transistors"),
    ]


def require_clean(metrics: "TileMetrics | PartMetrics") -> None:
    """Raise Failed if a check of the drawing found anything."""
    official = metrics.deck.violations if metrics.deck else 0
    if metrics.violations or official or not metrics.same_circuit:
        raise Failed("the drawing breaks rules of the process, or has another circuit")
