"""A library of cells: area, function, capacitance, leakage and energy."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gaincell.synth.library.boolean import expression


@dataclass(frozen=True)
class Table:
    """Energy, J, over input transition, s, and output load, F; a missing axis has one point."""

    transition_s: NDArray[np.float64]
    load_f: NDArray[np.float64]
    value_j: NDArray[np.float64]

    def at(self, transition_s: float, load_f: float) -> float:
        """Bilinear between the points, constant beyond them."""
        rows = [float(np.interp(load_f, self.load_f, row)) for row in self.value_j]
        return float(np.interp(transition_s, self.transition_s, rows))


@dataclass(frozen=True)
class Energy:
    """The energy that one change of a pin costs inside the cell: the mean of rise and fall.

    when : condition on other pins, "" for any
    related : input whose change causes it, "" for any
    tables : of rise and of fall; a table of both is there twice
    supply : supply pin that gives this part of the energy, "" for all
    """

    when: str
    related: str
    tables: tuple[Table, ...]
    supply: str = ""

    def at(self, transition_s: float, load_f: float) -> float:
        return sum(table.at(transition_s, load_f) for table in self.tables) / 2


@dataclass(frozen=True)
class Pin:
    """A pin; capacitance in F."""

    name: str
    direction: str
    capacitance_f: float
    function: str = ""
    energies: tuple[Energy, ...] = ()
    clock: bool = False
    three_state: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell; area in um2, leakage in W.

    leakage_when : leakage by condition; the condition "" is any that is not listed
    leakage_w : leakage where ``leakage_when`` tells nothing
    next_state, clocked_on, clear, preset : functions of an edge-triggered flop, else ""
    states : names of its state and of its inverse in the outputs' functions
    gate : "latch_posedge" and the like if it gates clocks, else ""
    plain_flop : one bit, rising edge, the next state is an input; it may have a reset
    """

    name: str
    area_um2: float
    leakage_w: float
    leakage_when: tuple[tuple[str, float], ...]
    pins: dict[str, Pin]
    next_state: str = ""
    clocked_on: str = ""
    clear: str = ""
    preset: str = ""
    states: tuple[str, ...] = ()
    plain_flop: bool = False
    latch: bool = False
    gate: str = ""
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def sequential(self) -> bool:
        return bool(self.next_state) or self.latch

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for name, pin in self.pins.items() if pin.direction == "input")

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(name for name, pin in self.pins.items() if pin.direction == "output")


@dataclass(frozen=True)
class Library:
    """All usable cells of one corner.

    text : the usable cells as Liberty, in the units of ``gaincell.synth.library.units``
    unusable : names of the cells that are left out
    has_ties : there are cells, used or not, that give a constant
    cautions : what of the files was assumed, simplified or left out, one clause each
    """

    name: str
    corner: str
    voltage_v: float
    temperature_c: float
    node_nm: float | None
    cells: dict[str, Cell]
    transition_s: float
    text: str
    unusable: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    has_ties: bool = False

    @property
    def label(self) -> str:
        """Library, corner, voltage and temperature, which stand beside every number."""
        return f"{self.name}, {self.corner}, {self.voltage_v:g} V, {self.temperature_c:g} C"

    @property
    def left_out(self) -> str:
        """The cautions about cells that cannot be read, as the end of a sentence; "" without."""
        said = [caution for caution in self.cautions if caution.startswith("left out")]
        return f" ({'; '.join(said)})" if said else ""

    def used(self, names: Iterable[str]) -> list[Cell]:
        """The cells of ``names``, each once, sorted."""
        return [self.cells[name] for name in sorted(set(names))]


def full_adder(library: Library) -> tuple[str, dict[str, str]] | None:
    """Smallest full adder: its name, and its pins by role: A, B, C, X (carry), Y (sum)."""
    best: tuple[float, str, dict[str, str]] | None = None
    for cell in library.cells.values():
        if len(cell.inputs) != 3 or len(cell.outputs) != 2 or cell.sequential or cell.gate:
            continue
        truth = {
            out: expression(cell.pins[out].function).truth(cell.inputs) for out in cell.outputs
        }
        carries = [out for out in cell.outputs if truth[out] == (0, 0, 0, 1, 0, 1, 1, 1)]
        sums = [out for out in cell.outputs if truth[out] == (0, 1, 1, 0, 1, 0, 0, 1)]
        if carries and sums and (best is None or cell.area_um2 < best[0]):
            pins = dict(zip("ABC", cell.inputs, strict=True)) | {"X": carries[0], "Y": sums[0]}
            best = (cell.area_um2, cell.name, pins)
    return None if best is None else best[1:]


def listed(names: list[str], most: int = 4) -> str:
    """The first ``most`` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
