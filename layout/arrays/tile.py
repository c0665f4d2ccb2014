"""Draws a sub-tile: gain cells in rows and columns, with taps of well and substrate in between.

Of keys, a row is a dimension, with word lines and a write bit line along it, and a column is a
token, with its bit line and its write word line. Of values, a row is a token, with word lines and a
write word line, and a column is a dimension, with its bit line and its write bit line. Every other
row is mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaincell.layout.arrays.cell import BIT_LINE, Pen, draw_cell
from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.arrays.plan import Columns, Rows, Span, around, column_lines
from gaincell.layout.klayout import db
from gaincell.layout.process import Process

TAPS = "taps"
TAP, TAP_COLUMN = 410, 1000
"""Side of a tap, and width of the column that holds it, nm."""
STRAPS = (280, 720)
"""Middles of the column's lines for vss and vdd, which join the lines along the rows, nm."""


@dataclass(frozen=True)
class Tile:
    """A sub-tile as drawn.

    layout, cell : KLayout's
    height, width : of the sub-tile, nm
    cell_height, cell_width : of a gain cell, nm
    """

    layout: Any
    cell: Any
    height: int
    width: int
    cell_height: int
    cell_width: int


def draw_tile(cell: GainCell, process: Process, dims: int, tokens: int) -> Tile:
    """A sub-tile for ``dims`` dimensions and ``tokens`` tokens.

    Raises
    ------
    Unable
        KLayout is not installed.
    """
    layout = db().Layout()
    layout.dbu = 1e-3
    unit, x, y = draw_cell(layout, cell, process)
    taps = _draw_taps(layout, cell, y, process)
    rows, columns = (tokens, dims) if cell.by_row else (dims, tokens)
    kind = "values" if cell.by_row else "keys"
    top = Pen(layout.create_cell(f"{kind}_{dims}x{tokens}"), process)
    groups = _groups(columns, _between_taps(x, process))
    for row in range(rows):
        left = 0
        for group in groups:
            _place(top, taps, left, row, y.height)
            left += TAP_COLUMN
            _place(top, unit, left, row, y.height, group, x.width)
            left += group * x.width
        _place(top, taps, left, row, y.height)
        _name_row(top, row, cell, y)
    column, left = 0, TAP_COLUMN
    for group in groups:
        for _ in range(group):
            for name, contact in column_lines(cell, x).items():
                place = left + contact.middle
                top.label("m2_label", f"{name}{column}", place, y.line_middle.middle)
            column, left = column + 1, left + x.width
        left += TAP_COLUMN
    height = rows * y.height
    return Tile(layout, top.cell, height, left, y.height, x.width)


def _between_taps(x: Columns, process: Process) -> int:
    """Columns of cells between two columns of taps, at most: no diffusion is too far from one."""
    reach = 2 * process.nm("lu.2", "lu.3") - (TAP_COLUMN - TAP)
    return max(1, reach // x.width)


def _groups(columns: int, most: int) -> list[int]:
    """``columns`` in groups of ``most`` at most, as even as they can be."""
    count = -(-columns // most)
    return [columns // count + (group < columns % count) for group in range(count)]


def _place(
    top: Pen, cell: Any, left: int, row: int, height: int, count: int = 1, pitch: int = 0
) -> None:
    """``count`` copies side by side in a row; odd rows are upside down."""
    kdb = db()
    low = row * height if row % 2 == 0 else (row + 1) * height
    turned = kdb.Trans(0, row % 2 == 1, left, low)
    along, none = kdb.Vector(pitch, 0), kdb.Vector(0, 0)
    top.cell.insert(kdb.CellInstArray(cell.cell_index(), turned, along, none, count, 1))


def _name_row(top: Pen, row: int, cell: GainCell, y: Rows) -> None:
    for net, line in y.lines(cell).items():
        text = net if net in ("vss", "vdd") else f"{net}{row}"
        place = line.middle if row % 2 == 0 else y.height - line.middle
        top.label("m1_label", text, TAP_COLUMN // 2, row * y.height + place)


def _draw_taps(layout: Any, cell: GainCell, y: Rows, process: Process) -> Any:
    """A column of taps, one row high: of the substrate at vss, of the well at vdd, with straps."""
    nm = process.nm
    pen = Pen(layout.create_cell(TAPS), process)
    whole, middle = Span(0, TAP_COLUMN), TAP_COLUMN // 2
    side = nm("licon.1")
    for contact in (y.n_contact, y.p_contact):
        pen.box("tap", around(middle, TAP), around(contact.middle, TAP))
        pen.contact("diff", around(middle, side), contact)
        pen.box("mcon", around(middle, side), contact)
    n_top = max(y.write_diff.high, y.n_diff.high, y.n_contact.middle + TAP // 2) + nm("nsd.5")
    pen.box("psdm", whole, Span(0, n_top))
    pen.box("nsdm", whole, Span(y.p_diff.low - nm("psd.5"), y.height))
    pen.box("nwell", whole, y.well)
    for line in y.lines(cell).values():
        pen.box("m1", whole, line)
    via = nm("via.1a")
    for strap, line in zip(STRAPS, (y.line_vss, y.line_vdd), strict=True):
        pen.box("m2", around(strap, BIT_LINE), Span(0, y.height))
        pen.box("via", around(strap, via), around(line.middle, via))
    pen.box("outline", whole, Span(0, y.height))
    return pen.cell
