"""What a power number lacks, and why another tool's number may be far from it."""

from collections.abc import Callable, Iterator

from gaincell.synth.library.cells import Cell, Library, listed
from gaincell.synth.metrics import PowerSum
from gaincell.synth.netlist import Netlist
from gaincell.synth.steps.opensta_power import CellPower

FACTOR = 3.0
"""From here on OpenSTA's number beside ours needs an explanation."""
REASONS = {
    "internal": "it weights the tables of internal_power in another way, by input and condition",
    "net": "it takes other capacitances of pins, or another supply voltage",
    "leakage": "it takes other values of leakage than those of the conditions that hold",
}
LACKS: dict[str, tuple[str, Callable[[Cell], bool]]] = {
    "internal power": (
        "internal_power",
        lambda cell: not any(pin.energies for pin in cell.pins.values()),
    ),
    "leakage power": (
        "leakage",
        lambda cell: not cell.leakage_w and not any(value for _, value in cell.leakage_when),
    ),
    "net power": (
        "capacitance",
        lambda cell: not all(cell.pins[pin].capacitance_f for pin in cell.inputs),
    ),
}
"""By part of the power: what of the library it is made from, and whether a cell lacks it."""


def power_cautions(
    power: PowerSum, theirs: CellPower | None, netlist: Netlist, library: Library
) -> Iterator[str]:
    """A clause on each thing that the library does not tell, and on OpenSTA's number."""
    used = library.used(netlist.counts)
    for part, (what, lacks) in LACKS.items():
        without = [cell.name for cell in used if lacks(cell)]
        if without:
            whole = len(without) == len(used)
            which = "any cell" if whole else f"{len(without)} of {len(used)} cells"
            names = "" if whole else f": {listed(without)}"
            yield f"{part} is too low, as the library has no {what} for {which}{names}"
    if theirs is not None:
        yield from _far(power, theirs)


def _far(power: PowerSum, theirs: CellPower) -> Iterator[str]:
    """A clause if OpenSTA's total and ours are more than ``FACTOR`` apart."""
    low, high = sorted((power.cells_w, theirs.total_w))
    if high <= FACTOR * low:
        return
    if low <= 0:
        times = "nothing" if theirs.total_w < power.cells_w else "something where we have nothing"
    else:
        times = f"{theirs.total_w / power.cells_w:.3g} times ours"
    gaps = {
        part: abs(getattr(theirs, f"{part}_w") - getattr(power, f"{part}_w")) for part in REASONS
    }
    most = max(gaps, key=lambda part: gaps[part])
    yield f"OpenSTA's power is {times}, above all in {most} power: likely {REASONS[most]}"
