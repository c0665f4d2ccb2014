"""Cells that can stand for each other: sizes of one function, and buffers."""

from collections import defaultdict
from dataclasses import dataclass

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Library

MOST_INPUTS = 6
"""Functions of more inputs are compared as text."""
DELAY_CELL = ("dly", "delay", "lpflow")
"""Parts of the names of cells that are slow on purpose."""


@dataclass(frozen=True)
class Families:
    """Sizes by cell, the smallest first; buffers, the smallest first, and their pins by cell."""

    sizes: dict[str, tuple[str, ...]]
    buffers: tuple[str, ...]
    delays: tuple[str, ...]
    buffer_pins: dict[str, tuple[str, str]]


def families(library: Library) -> Families:
    """The families of a library. A cell without another size is its own family."""
    groups: dict[object, list[Cell]] = defaultdict(list)
    for cell in library.cells.values():
        groups[_function(cell)].append(cell)
    sizes = {}
    for group in groups.values():
        group.sort(key=lambda cell: (cell.area_um2, cell.name))
        for cell in group:
            usable = [each for each in group if _is_slow(each) == _is_slow(cell)]
            sizes[cell.name] = tuple(each.name for each in usable)
    all_buffers = sorted(filter(is_buffer, library.cells.values()), key=_area)
    pins = {cell.name: (cell.inputs[0], cell.outputs[0]) for cell in all_buffers}
    return Families(
        sizes=sizes,
        buffers=tuple(cell.name for cell in all_buffers if not _is_slow(cell)),
        delays=tuple(cell.name for cell in all_buffers if _is_slow(cell)),
        buffer_pins=pins,
    )


def _function(cell: Cell) -> object:
    """What must be equal for a cell to stand for another."""
    outputs: list[tuple[str, object]] = []
    for pin in cell.outputs:
        text = cell.pins[pin].function
        plain = text and not cell.sequential and not cell.gate
        if plain and len(cell.inputs) <= MOST_INPUTS:
            outputs.append((pin, expression(text).truth(tuple(sorted(cell.inputs)))))
        else:
            outputs.append((pin, text.replace(" ", "")))
    state = (cell.next_state, cell.clocked_on, cell.clear, cell.preset, cell.states)
    kind = (cell.gate, cell.latch, tuple(sorted(cell.roles.items())))
    # Two latches or clock gates may differ in what the Liberty functions do not tell.
    alone = cell.name.rsplit("_", 1)[0] if cell.latch or cell.gate else ""
    return tuple(sorted(cell.inputs)), tuple(sorted(outputs, key=str)), state, kind, alone


def is_buffer(cell: Cell) -> bool:
    """Whether a cell does nothing but pass its input on."""
    if len(cell.inputs) != 1 or len(cell.outputs) != 1 or cell.sequential or cell.gate:
        return False
    function = cell.pins[cell.outputs[0]].function
    return (
        bool(function)
        and expression(function).pins == (cell.inputs[0],)
        and (expression(function).truth(cell.inputs) == (0, 1))
    )


def _is_slow(cell: Cell) -> bool:
    return any(part in cell.name.lower() for part in DELAY_CELL)


def _area(cell: Cell) -> tuple[float, str]:
    return cell.area_um2, cell.name
