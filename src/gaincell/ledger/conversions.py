"""Figures of accelerators in one unit each, and figures that follow from published ones.

A figure of a row is in nJ per token and head, queries per mJ, TOPS/W or ns. What is published in
another of them is converted by a formula that the page shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gaincell.ledger.arithmetic import evaluate, shown

ENERGY = {"pJ": 1e-3, "nJ": 1.0, "uJ": 1e3, "mJ": 1e6, "J": 1e9}
UNITS: dict[str, dict[str, float]] = {
    "energy": ENERGY,
    "layer": ENERGY,
    "queries": {"queries/mJ": 1.0, "queries/uJ": 1e3},
    "efficiency": {"TOPS/W": 1.0, "GOPS/W": 1e-3},
    "latency": {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9},
}
"""Units in which each quantity may be published, in the unit that is 1."""


class Mark(StrEnum):
    """What the source says of a number besides the number."""

    EXACT = ""
    ABOUT = "about"
    MOST = "at most"
    LEAST = "at least"


TURNED = {Mark.MOST: Mark.LEAST, Mark.LEAST: Mark.MOST}
"""The mark of 1/x, where that of x is another."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """``makes`` from ``takes``, in the units that are 1; ``falls``: the more, the less."""

    makes: str
    takes: str
    formula: str
    falls: bool = False


CONVERSIONS = (
    Conversion(makes="energy", takes="layer", formula="layer / heads"),
    Conversion(makes="energy", takes="queries", formula="1e6 / queries", falls=True),
    Conversion(
        makes="energy",
        takes="efficiency",
        formula="4 * head_dim * keys / efficiency / 1000",
        falls=True,
    ),
    Conversion(makes="queries", takes="energy", formula="1e6 / energy", falls=True),
    Conversion(
        makes="efficiency",
        takes="energy",
        formula="4 * head_dim * keys / energy / 1000",
        falls=True,
    ),
)
"""The first that fits is taken; none replaces a published figure.

A query of a head of D dimensions meets M keys: 2 D M multiplications and as many additions in two
products, 4 D M operations. Operations per nJ are GOPS/W.
"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number in the unit that is 1, or the two ends of a band.

    by : how it was converted; None: as published
    """

    low: float
    high: float
    mark: Mark = Mark.EXACT
    by: Conversion | None = None

    @property
    def text(self) -> str:
        """Four digits; both ends of a band; ``mark`` before it."""
        low, high = shown(self.low), shown(self.high)
        number = low if low == high else f"{low}..{high}"
        return f"{self.mark} {number}".strip()


def in_unit(quantity: str, low: float, high: float, unit: str, mark: Mark) -> Figure:
    """A published number of ``quantity``, or the ends of a band, from its own unit."""
    factor = UNITS[quantity][unit]
    return Figure(low=low * factor, high=high * factor, mark=mark)


def complete(figures: Mapping[str, Figure], sizes: Mapping[str, float]) -> dict[str, Figure]:
    """``figures`` and all that follow from them; ``sizes`` of the head: head_dim, keys, heads."""
    known = dict(figures)
    for each in CONVERSIONS:
        if each.makes not in known and each.takes in known:
            known[each.makes] = convert(known[each.takes], each, sizes)
    return known


def convert(figure: Figure, by: Conversion, sizes: Mapping[str, float]) -> Figure:
    """``figure``, of the quantity that ``by`` takes, as the one that it makes."""
    ends = sorted(
        float(evaluate(by.formula, {**sizes, by.takes: end})) for end in (figure.low, figure.high)
    )
    mark = TURNED.get(figure.mark, figure.mark) if by.falls else figure.mark
    return Figure(low=ends[0], high=ends[1], mark=mark, by=by)
