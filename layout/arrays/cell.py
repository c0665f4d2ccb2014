"""Draws the gain cell: five transistors between the lines of its row and its column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.arrays.plan import Columns, Rows, Span, around, column_lines, columns, rows
from gaincell.layout.klayout import db
from gaincell.layout.process import Process

NAME = "gain_cell"
PATCH = 320
"""Width of a patch of metal under a via, nm."""
BIT_LINE = 280
"""Width of the lines along a column, nm."""


@dataclass(frozen=True)
class Pen:
    """Draws boxes of a process's layers in a cell of a layout."""

    cell: Any
    process: Process

    def box(self, layer: str, x: Span, y: Span, room_x: int = 0, room_y: int = 0) -> None:
        """A box that is larger than its spans by so much on either side, nm."""
        own = self.cell.layout().layer(*self.process.layers[layer])
        corners = x.low - room_x, y.low - room_y, x.high + room_x, y.high + room_y
        self.cell.shapes(own).insert(db().Box(*corners))

    def label(self, layer: str, text: str, x: int, y: int) -> None:
        own = self.cell.layout().layer(*self.process.layers[layer])
        self.cell.shapes(own).insert(db().Text(text, db().Trans(x, y)))

    def contact(self, layer: str, x: Span, y: Span) -> None:
        """A contact of diffusion ("diff") or poly with its strip of the local metal."""
        self.box("licon", x, y)
        self.box("li", x, y, 0, self.process.nm("li.5"))
        if layer == "poly":
            self.box("npc", x, y, *2 * (self.process.nm("licon.15"),))

    def to_column(self, x: Span, y: Span, line: Span) -> None:
        """From local metal at a place to the line along the column above it."""
        self.box("mcon", x, y)
        self.box("m1", around(x.middle, PATCH), line)
        side = self.process.nm("via.1a")
        self.box("via", around(x.middle, side), around(line.middle, side))


def draw_cell(layout: Any, cell: GainCell, process: Process) -> tuple[Any, Columns, Rows]:
    """The cell in a layout of KLayout, and where its parts lie; its lower left corner is 0, 0."""
    x, y = columns(cell, process), rows(cell, process)
    pen = Pen(layout.create_cell(NAME), process)
    _diffusions(pen, x, y)
    _gates(pen, x, y)
    _contacts(pen, x, y, cell)
    whole = Span(0, x.width)
    for line in y.lines(cell).values():
        pen.box("m1", whole, line)
    for contact in column_lines(cell, x).values():
        pen.to_column(contact, y.middle, y.line_middle)
        pen.box("m2", around(contact.middle, BIT_LINE), Span(0, y.height))
    pen.box("outline", whole, Span(0, y.height))
    return pen.cell, x, y


def _diffusions(pen: Pen, x: Columns, y: Rows) -> None:
    nm, whole = pen.process.nm, Span(0, x.width)
    pen.box("diff", x.write_diff, y.write_diff)
    pen.box("diff", x.pair_diff, y.n_diff)
    pen.box("diff", x.pair_diff, y.p_diff)
    highest = max(y.write_diff.high, y.n_diff.high)
    pen.box("nsdm", whole, Span(0, highest + nm("nsd.5")))
    pen.box("psdm", whole, Span(y.p_diff.low - nm("psd.5"), y.height))
    pen.box("nwell", whole, y.well)


def _gates(pen: Pen, x: Columns, y: Rows) -> None:
    nm = pen.process.nm
    beyond, side, above = nm("poly.8"), nm("licon.8"), nm("licon.8a")
    pen.box("poly", x.read_gate, Span(y.n_diff.low, y.p_diff.high), 0, beyond)
    pen.box("poly", Span(x.arm.low - side, x.read_gate.high), y.middle, 0, above)
    pen.box("poly", x.switch_gate, Span(y.n_diff.low - beyond, y.word.high))
    pen.box("poly", x.switch_gate, Span(y.word_b.low, y.p_diff.high + beyond))
    for contact in (y.word, y.word_b):
        pen.box("poly", x.switch_contact, contact, side, above)
    pen.box("poly", x.write_gate, Span(y.write_diff.low - beyond, y.middle.high + above))
    pad = Span(
        min(x.write_gate.low, x.write_contact.low - side),
        max(x.write_gate.high, x.write_contact.high + side),
    )
    pen.box("poly", pad, y.middle, 0, above)


def _contacts(pen: Pen, x: Columns, y: Rows, cell: GainCell) -> None:
    nm = pen.process.nm
    bit_line, supply = (x.first, x.last) if cell.read_at_line else (x.last, x.first)
    for place in (x.write_bit, x.stored, bit_line, supply):
        pen.contact("diff", place, y.n_contact)
    for place in (bit_line, supply):
        pen.contact("diff", place, y.p_contact)
    for place, row in (
        (x.switch_contact, y.word),
        (x.switch_contact, y.word_b),
        (x.write_contact, y.middle),
        (x.arm, y.middle),
    ):
        pen.contact("poly", place, row)
    around_contact = nm("licon.15")
    pen.box("npc", Span(x.write_contact.low, x.arm.high), y.middle, *2 * (around_contact,))
    # Strips of local metal: the storage node, those of writing, the bit line's.
    above = nm("li.5")
    pen.box("li", x.stored, Span(y.n_contact.low, y.middle.high), 0, above)
    pen.box("li", Span(x.stored.low, x.arm.high), y.middle, 0, above)
    side = nm("ct.1")
    write = around(y.line_write.middle, side)
    if cell.by_row:
        pen.box("li", x.write_bit, Span(y.n_contact.low, y.middle.high), 0, above)
        pen.box("li", x.write_contact, Span(y.middle.low, write.high), 0, above)
    else:
        pen.box("li", x.write_bit, Span(y.n_contact.low, write.high))
    pen.box("li", bit_line, Span(y.n_contact.low, y.p_contact.high))
    for place, row in (
        (x.write_contact if cell.by_row else x.write_bit, write),
        (supply, y.n_contact),
        (supply, y.p_contact),
        (x.switch_contact, y.word),
        (x.switch_contact, y.word_b),
    ):
        pen.box("mcon", place, row)
