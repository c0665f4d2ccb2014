"""Where everything in a gain cell lies: distances that the process's rules ask for, added up.

Columns from left to right: the write transistor (its write bit line, its gate, the storage node),
then both pairs of read transistor and switch, the n pair below the p pair. Rows from below: vss,
the word line, contacts of the lines along the column, the inverted word line, a line for writing,
vdd. That line is the write bit line, or the write word line where rows are written. Neighbours
above and below are mirrored, and share their wells.
"""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.process import Process


@dataclass(frozen=True)
class Span:
    """From ``low`` to ``high``, nm."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    @property
    def size(self) -> int:
        return self.high - self.low


@dataclass(frozen=True)
class Columns:
    """Spans in x. ``first`` and ``last`` are the contacts at both ends of a pair.

    The pair's first gate is the read transistor's, and ``arm`` the contact that leads to it from
    ``stored``. ``write_contact`` and ``switch_contact`` are contacts of gates.
    """

    write_diff: Span
    write_bit: Span
    write_gate: Span
    write_contact: Span
    stored: Span
    arm: Span
    pair_diff: Span
    first: Span
    read_gate: Span
    switch_gate: Span
    switch_contact: Span
    last: Span
    width: int


@dataclass(frozen=True)
class Rows:
    """Spans in y: diffusions, their well, contacts, and lines of metal named by what they carry."""

    write_diff: Span
    n_diff: Span
    p_diff: Span
    well: Span
    n_contact: Span
    word: Span
    middle: Span
    word_b: Span
    p_contact: Span
    line_vss: Span
    line_word: Span
    line_middle: Span
    line_word_b: Span
    line_write: Span
    line_vdd: Span
    height: int

    def lines(self, cell: GainCell) -> dict[str, Span]:
        """Spans of the lines along a row of cells, by net."""
        spans = self.line_word, self.line_word_b, self.line_write
        return {
            "vss": self.line_vss,
            **dict(zip(cell.along_row, spans, strict=True)),
            "vdd": self.line_vdd,
        }


def column_lines(cell: GainCell, x: Columns) -> dict[str, Span]:
    """Contacts under the lines along a column of cells, by net."""
    return {
        "bl": x.first if cell.read_at_line else x.last,
        **({"wbl": x.write_bit} if cell.by_row else {"wwl": x.write_contact}),
    }


def columns(cell: GainCell, process: Process) -> Columns:
    """Spans in x of a cell."""
    nm, cut = process.nm, process.nm("licon.1")
    edge = nm("licon.5c")
    to_gate, apart = nm("licon.11"), nm("li.3")
    margin = on_grid(nm("difftap.3") / 2)
    write_bit = _from(margin + edge, cut)
    write_gate = _from(write_bit.high + to_gate, cell.write.length)
    # The write word line's contact needs room between the two strips beside it.
    contact = max(write_gate.middle, write_bit.high + apart + cut // 2)
    write_contact = around(contact, cut)
    stored = _from(max(write_gate.high + to_gate, write_contact.high + apart), cut)
    write_diff = Span(margin, stored.high + edge)
    pad = max(write_gate.high, write_contact.high + nm("licon.8"))
    arm = _from(pad + nm("poly.2") + nm("licon.8"), cut)
    first = _from(max(write_diff.high + nm("difftap.3") + edge, arm.high + apart), cut)
    read_gate = _from(first.high + to_gate, cell.read_n.length)
    wide = max(cell.switch_n.length, cut + 2 * nm("licon.8"))
    switch = around(read_gate.high + nm("poly.2") + on_grid(wide / 2), cell.switch_n.length)
    switch_contact = around(switch.middle, cut)
    last = _from(max(switch.high + to_gate, switch_contact.high + apart), cut)
    pair_diff = Span(first.low - edge, last.high + edge)
    return Columns(
        write_diff=write_diff,
        write_bit=write_bit,
        write_gate=write_gate,
        write_contact=write_contact,
        stored=stored,
        arm=arm,
        pair_diff=pair_diff,
        first=first,
        read_gate=read_gate,
        switch_gate=switch,
        switch_contact=switch_contact,
        last=last,
        width=pair_diff.high + margin,
    )


def rows(cell: GainCell, process: Process) -> Rows:
    """Spans in y of a cell."""
    nm, cut = process.nm, process.nm("licon.1")
    apart, line = nm("m1.2"), cut + 2 * LINE_EDGE
    margin = on_grid(nm("poly.2") / 2)
    low = margin + nm("poly.8")
    write_diff, n_diff = _from(low, cell.write.width), _from(low, cell.read_n.width)
    n_contact = around(low + on_grid(min(write_diff.size, n_diff.size) / 2), cut)
    line_vss = around(n_contact.middle, line)
    below = max(write_diff.high, n_diff.high) + nm("licon.14")
    word = _from(max(below, line_vss.high + apart + LINE_EDGE), cut)
    line_word = around(word.middle, line)
    line_middle = _from(line_word.high + apart, nm("via.1a") + 2 * (nm("via.4a") + PATCH_EDGE))
    middle = around(line_middle.middle, cut)
    word_b = _from(line_middle.high + apart + LINE_EDGE, cut)
    line_word_b = around(word_b.middle, line)
    line_write = _from(line_word_b.high + apart, line)
    above = word_b.high + max(nm("licon.14"), nm("licon.9") + nm("psd.5"))
    half = on_grid(cell.read_p.width / 2)
    center = max(above + half, line_write.high + apart + on_grid(line / 2))
    p_diff = _from(center - half, cell.read_p.width)
    height = p_diff.high + nm("poly.8") + margin
    # The well of a last row has no neighbour to share with, and must be wide enough by itself.
    well = Span(min(p_diff.low - nm("difftap.8"), height - nm("nwell.1")), height)
    return Rows(
        write_diff=write_diff,
        n_diff=n_diff,
        p_diff=p_diff,
        well=well,
        n_contact=n_contact,
        word=word,
        middle=middle,
        word_b=word_b,
        p_contact=around(center, cut),
        line_vss=line_vss,
        line_word=line_word,
        line_middle=line_middle,
        line_word_b=line_word_b,
        line_write=line_write,
        line_vdd=around(center, line),
        height=height,
    )


LINE_EDGE = 45
"""Metal of a line above and below its contacts, nm."""
PATCH_EDGE = 5
"""Metal of a patch above and below its via, beyond the rule, nm: it gives the patch its area."""
GRID = 5


def around(middle: int, size: int) -> Span:
    """A span of this size about ``middle``."""
    low = on_grid(middle - size / 2)
    return Span(low, low + size)


def on_grid(nm: float) -> int:
    """The next number on the grid of 5 nm that is not lower."""
    return -int(-nm // GRID) * GRID


def _from(low: int, size: int) -> Span:
    return Span(low, low + size)
