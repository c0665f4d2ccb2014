"""The gain cell's five transistors, taken out of a design's netlist."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.process import Process
from gaincell.spice.design import Design

NM = 1e-9


@dataclass(frozen=True)
class Transistor:
    """A transistor with its nets; width and length in nm, on the process's grid."""

    kind: str
    drain: str
    gate: str
    source: str
    bulk: str
    width: int
    length: int

    @property
    def ends(self) -> frozenset[str]:
        """Nets of source and drain, which layout does not tell apart."""
        return frozenset((self.drain, self.source))


@dataclass(frozen=True)
class GainCell:
    """Transistors of a cell by what they do.

    write : from the write bit line to the storage node
    read_n, read_p : their gates are the storage node
    switch_n, switch_p : their gates are the word lines; each in series with a read transistor
    read_at_line : the read transistors, not the switches, are at the bit line
    by_row : cells of a row are written together, as in an array of values; else those of a column
    """

    write: Transistor
    read_n: Transistor
    switch_n: Transistor
    read_p: Transistor
    switch_p: Transistor
    read_at_line: bool
    by_row: bool = False

    @property
    def along_row(self) -> tuple[str, ...]:
        """Ports whose lines run along a row, the supplies' left out."""
        return "wl", "wlb", ("wwl" if self.by_row else "wbl")

    @property
    def along_column(self) -> tuple[str, ...]:
        """Ports whose lines run along a column."""
        return "bl", ("wbl" if self.by_row else "wwl")

    @property
    def transistors(self) -> tuple[Transistor, ...]:
        return self.write, self.read_n, self.switch_n, self.read_p, self.switch_p


def gain_cell(design: Design, process: Process, *, by_row: bool = False) -> GainCell:
    """The cell of a design whose storage is the gates of its read transistors, and its wire.

    ``by_row`` is as in ``GainCell``.

    Raises
    ------
    ValueError
        The cell is of another kind or node, or a size is off the process's grid.
    """
    process.check_node(design.name, design.levels.node_nm)
    found: dict[str, list[Transistor]] = {}
    for each in _transistors(design, process):
        found.setdefault(each.gate, []).append(each)
    try:
        (write,), (switch_n,), (switch_p,) = found.pop("wwl"), found.pop("wl"), found.pop("wlb")
        read = {each.kind: each for each in found.pop("s")}
        at_line = "bl" in read["n"].ends
        cell = GainCell(write, read["n"], switch_n, read["p"], switch_p, at_line, by_row)
        if found or not _is_drawn(cell):
            raise KeyError
    except (KeyError, ValueError):
        raise ValueError(
            f"the cell of design {design.name} cannot be drawn: besides its write transistor it "
            "must have two pairs, a read transistor and a switch of one width in series, and the "
            "pairs must have the same lengths"
        ) from None
    return cell


def _is_drawn(cell: GainCell) -> bool:
    """Whether the cell is joined up as ``gaincell.layout.arrays.cell`` draws it."""
    if cell.write.kind != "n" or cell.write.ends != {"wbl", "s"}:
        return False
    for read, switch, supply in (
        (cell.read_n, cell.switch_n, "vss"),
        (cell.read_p, cell.switch_p, "vdd"),
    ):
        at_line, at_supply = (read, switch) if cell.read_at_line else (switch, read)
        between = at_line.ends & at_supply.ends
        if len(between) != 1 or at_line.ends - between != {"bl"}:
            return False
        if at_supply.ends - between != {supply} or read.kind != switch.kind:
            return False
        if read.width != switch.width:
            return False
    lengths = cell.read_n.length == cell.read_p.length, cell.switch_n.length == cell.switch_p.length
    return all(lengths)


def _transistors(design: Design, process: Process) -> list[Transistor]:
    found = []
    for device in design.netlist.devices("cell"):
        drain, gate, source, bulk = device.line.lower().split()[1:5]
        kind = "p" if bulk == "vdd" else "n"
        width, length = (_size(each, design, process) for each in (device.width, device.length))
        found.append(Transistor(kind, drain, gate, source, bulk, width, length))
    return found


def _size(written: str, design: Design, process: Process) -> int:
    """A width or length in nm: the name of a size, or a number."""
    try:
        size = design.sizes[written] if written in design.sizes else float(written)
    except ValueError:
        raise ValueError(
            f'the cell of design {design.name} has a size "{written}", but layout needs the name '
            "of a size or a number"
        ) from None
    return process.on_grid(size * design.levels.unit_m / NM, f"the cell of design {design.name}")
