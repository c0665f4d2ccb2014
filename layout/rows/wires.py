"""The wire from a terminal to the line of its net."""

from __future__ import annotations

from gaincell.layout.arrays.cell import Pen
from gaincell.layout.arrays.plan import Span, around

WIRE, PAD, VIA_PAD = 230, 320, 260
"""Width of metal 1, height of its pads on contacts and under vias, and width of the latter, nm."""


def wire(pen: Pen, middle: int, contact: Span, line: Span) -> None:
    """From local metal at ``contact`` to a net's line, along a column."""
    via = pen.process.nm("via.1a")
    pen.box("mcon", around(middle, contact.size), contact)
    ends = around(contact.middle, PAD), around(line.middle, PAD)
    pen.box("m1", around(middle, WIRE), Span(min(e.low for e in ends), max(e.high for e in ends)))
    pen.box("m1", around(middle, VIA_PAD), ends[1])
    pen.box("via", around(middle, via), around(line.middle, via))
