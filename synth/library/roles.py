"""The cells of a library by what the flow needs them for."""

from collections.abc import Iterator

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Library, full_adder


def driver(library: Library) -> Cell:
    """The second smallest buffer, which drives input ports and the clock tree.

    Raises
    ------
    ValueError
        There is none.
    """
    buffers = sorted(_with_truth(library, (0, 1)), key=_area)
    if not buffers:
        raise ValueError(f"library {library.name} has no buffer, but ports and clock need one")
    return buffers[min(1, len(buffers) - 1)]


def flop(library: Library) -> Cell:
    """The smallest flop with a rising edge whose next state is an input."""
    return min((cell for cell in library.cells.values() if cell.plain_flop), key=_area)


def clock_gate(library: Library) -> Cell | None:
    """The smallest clock gate for rising edges that has no pin for tests."""
    roles = {f"clock_gate_{role}_pin" for role in ("enable", "clock", "out")}
    gates = (
        cell
        for cell in library.cells.values()
        if cell.gate == "latch_posedge" and roles <= set(cell.roles)
    )
    return min(gates, key=_area, default=None)


def check_roles(library: Library) -> None:
    """Raise ValueError, with every role that the library has no cell for, unless it has all.

    ``load_library`` looks after the flop.
    """
    missing = []
    if not any(_with_truth(library, (0, 1))):
        missing.append("no buffer, which input ports and the clock tree need")
    if not any(_with_truth(library, (1, 0))):
        missing.append("no inverter, which ABC maps with")
    if not any(sum(truth) in (1, 3) for _, truth in _logic(library, 2)):
        missing.append("no gate such as NAND, NOR, AND or OR of two inputs, which ABC maps with")
    if missing:
        raise ValueError(
            f"library {library.name} has {'; '.join(missing)}: "
            f"add the file that has it with one more --liberty{library.left_out}"
        )


def lacking(library: Library, clock_gating: bool) -> list[str]:
    """A clause on each role that the library has no cell for, and what takes its place."""
    found = []
    if clock_gating and clock_gate(library) is None:
        found.append("no clock gate: registers keep their value through multiplexers")
    if full_adder(library) is None:
        found.append("no full adder: adders are mapped to gates")
    if not library.has_ties:
        found.append("no tie cells, which constants of the netlist could become")
    return found


def _with_truth(library: Library, truth: tuple[int, ...]) -> Iterator[Cell]:
    inputs = len(truth).bit_length() - 1
    return (cell for cell, found in _logic(library, inputs) if found == truth)


def _logic(library: Library, inputs: int) -> Iterator[tuple[Cell, tuple[int, ...]]]:
    """Cells of one output and so many inputs, with their truth tables."""
    for cell in library.cells.values():
        if len(cell.inputs) == inputs and len(cell.outputs) == 1 and not cell.sequential:
            function = cell.pins[cell.outputs[0]].function
            if not cell.gate and set(expression(function).pins) <= set(cell.inputs):
                yield cell, expression(function).truth(cell.inputs)


def _area(cell: Cell) -> float:
    return cell.area_um2
