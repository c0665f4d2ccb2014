"""Delays and setup times of a library's cells, as arrays, from its Liberty text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Library
from gaincell.synth.library.liberty_tables import table_axes, table_values
from gaincell.synth.library.liberty_text import Group, parse
from gaincell.synth.sizing.tables import Ints, TableStack

RISE, FALL = 0, 1
EDGES = ("rise", "fall")
LAUNCHES = ("rising_edge",)
COMBINATIONAL = ("", "combinational", "combinational_rise", "combinational_fall")


@dataclass(frozen=True)
class CellArcs:
    """Timing of a cell; a pin is its place in ``pins``, which are sorted.

    arcs : one row for each way from an edge of an input to an edge of an output: input, its edge,
        output, its edge, number of the delay table, number of the transition table
    launches : of each row: the input is a flop's clock
    setups : rows of input, its edge, number of the constraint table
    load_ff : capacitance of each pin; 0 for outputs
    most_ff : highest load of each pin; infinite where the library has no limit
    """

    pins: tuple[str, ...]
    arcs: Ints
    launches: NDArray[np.bool_]
    setups: Ints
    load_ff: NDArray[np.float64]
    most_ff: NDArray[np.float64]


def _data_pins(cell: Cell) -> list[str]:
    """Inputs that a clock samples."""
    if cell.gate:
        return [cell.roles[role] for role in ("clock_gate_enable_pin",) if role in cell.roles]
    pins = expression(cell.next_state).pins if cell.next_state else ()
    return [pin for pin in pins if pin in cell.inputs]


@dataclass
class LibraryArcs:
    """Timing of all cells of a library, each read when it is first asked for. ns and fF."""

    library: Library
    tables: TableStack = field(default_factory=TableStack)

    def __post_init__(self) -> None:
        first, *cells = re.split(r"^  (?=cell \()", self.library.text, flags=re.MULTILINE)
        cells[-1:] = [cells[-1].rstrip().removesuffix("}")] if cells else []
        self._text = {text.split('"', 2)[1]: text for text in cells}
        header = parse(first if not cells else f"{first}}}\n")[0]
        self._templates = {group.name: group for group in header.groups("lu_table_template")}
        self._read: dict[str, CellArcs] = {}

    def of(self, name: str) -> CellArcs:
        """Timing of the cell ``name``.

        Raises
        ------
        ValueError
            A table cannot be read.
        """
        if name not in self._read:
            self._read[name] = self._cell(self.library.cells[name])
        return self._read[name]

    def _cell(self, cell: Cell) -> CellArcs:
        pins = tuple(sorted(cell.pins))
        place = {pin: at for at, pin in enumerate(pins)}
        arcs: list[tuple[int, ...]] = []
        launches: list[bool] = []
        setups: list[tuple[int, ...]] = []
        most = np.full(len(pins), np.inf)
        for pin in parse(self._text[cell.name])[0].groups("pin"):
            own = place[pin.name]
            limit = pin.number("max_capacitance")
            if limit is not None and cell.pins[pin.name].direction == "output":
                most[own] = limit
            for timing in pin.groups("timing"):
                kind = timing.text("timing_type")
                for source in timing.text("related_pin").split():
                    if source not in place:
                        continue
                    if kind == "setup_rising":
                        setups += self._setups(timing, own)
                    elif kind in COMBINATIONAL or kind in LAUNCHES:
                        found = list(self._arcs(timing, place[source], own))
                        arcs += found
                        launches += [kind in LAUNCHES] * len(found)
        checked = {row[0] for row in setups}
        data = {place[pin] for pin in _data_pins(cell)} - checked
        if data:  # the built-in estimate knows no setup times
            none = self.tables.add(np.zeros(1), np.zeros(1), np.zeros((1, 1)))
            setups += [(pin, edge, none) for pin in sorted(data) for edge in (RISE, FALL)]
        load = [
            cell.pins[pin].capacitance_f * 1e15 if cell.pins[pin].direction == "input" else 0.0
            for pin in pins
        ]
        return CellArcs(
            pins,
            np.array(arcs, dtype=np.int64).reshape(-1, 6),
            np.array(launches, dtype=bool),
            np.array(setups, dtype=np.int64).reshape(-1, 3),
            np.array(load),
            most,
        )

    def _arcs(self, timing: Group, source: int, target: int) -> Iterator[tuple[int, ...]]:
        sense = timing.text("timing_sense")
        for edge in (RISE, FALL):
            delay = self._table(timing, f"cell_{EDGES[edge]}")
            slew = self._table(timing, f"{EDGES[edge]}_transition")
            if delay is None or slew is None:
                continue
            causes: tuple[int, ...] = (RISE, FALL)
            if sense == "positive_unate":
                causes = (edge,)
            elif sense == "negative_unate":
                causes = (1 - edge,)
            if timing.text("timing_type") in LAUNCHES:
                causes = (RISE,)
            for cause in causes:
                yield source, cause, target, edge, delay, slew

    def _setups(self, timing: Group, pin: int) -> Iterator[tuple[int, ...]]:
        for edge in (RISE, FALL):
            table = self._table(timing, f"{EDGES[edge]}_constraint")
            if table is not None:
                yield pin, edge, table

    def _table(self, timing: Group, kind: str) -> int | None:
        """Number of a table, with the transition of the data first."""
        group = next(timing.groups(kind), None)
        if group is None:
            return None
        axes = table_axes(group, self._templates.get(group.name))
        values = table_values(group, axes)
        first = ("input_net_transition", "constrained_pin_transition")
        points = [np.zeros(1), np.zeros(1)]
        where = [0 if variable in first else 1 for variable, _ in axes]
        if len(axes) == 2 and where == [1, 0]:
            values = values.T
        elif len(axes) == 1:
            values = values[:, None] if where == [0] else values[None, :]
        elif len(axes) == 0:
            values = values.reshape(1, 1)
        for at, (_, steps) in zip(where, axes, strict=True):
            points[at] = steps
        return self.tables.add(points[0], points[1], values)
