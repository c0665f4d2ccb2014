"""A first size for every cell on a slow path: from the outputs back, by the load it drives."""

import numpy as np

from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.families import Families
from gaincell.synth.sizing.tables import Ints
from gaincell.synth.sizing.timer import Timer, Times

NEAR = 0.35
"""Slack, as a part of the period, up to which a cell is sized."""


LOADS_FF = (4.0, 20.0)
"""Loads between which the transition of an output is taken as a line."""


def sweep(timer: Timer, kinds: Families, times: Times, slew_ns: float) -> None:
    """Give each cell with little slack the smallest size whose transition is ``slew_ns`` or less.

    Cells that others drive come last, so that each meets the loads of what it drives. No cell
    becomes smaller.
    """
    circuit, library = timer.circuit, timer.circuit.library
    lines = _Lines(timer.arcs, slew_ns)

    load = dict(zip(timer.place, times.load_ff.tolist(), strict=False))
    order = sorted(circuit.instances, key=lambda name: -timer.level_of(name))
    for name in order:
        instance = circuit.instances[name]
        cell = library.cells[instance.cell]
        if cell.gate or cell.latch:
            continue
        sizes = kinds.sizes[instance.cell]
        nets = {pin: instance.pins[pin] for pin in cell.outputs if pin in instance.pins}
        if len(sizes) < 2 or not nets or not circuit.clocks.isdisjoint(nets.values()):
            continue
        if min(times.slack_of(net) for net in nets.values()) > NEAR * times.period_ns:
            continue

        def slew(other: str, nets: dict[str, str] = nets) -> float:
            found = ((lines.of(other, pin), load[net]) for pin, net in nets.items())
            return float(max(base + per_ff * ff for (base, per_ff), ff in found))

        best, value = instance.cell, slew(instance.cell)
        for other in sizes[sizes.index(instance.cell) + 1 :]:
            if value <= slew_ns:
                break
            if (found := slew(other)) < 0.95 * value:
                best, value = other, found
        if best != instance.cell:
            circuit.resize(name, best)
            for pin in cell.inputs:
                if pin in instance.pins:
                    new_f = library.cells[best].pins[pin].capacitance_f
                    load[instance.pins[pin]] += (new_f - cell.pins[pin].capacitance_f) * 1e15


class _Lines:
    """The transition of each cell's outputs as a line over the load, at one input transition."""

    def __init__(self, arcs: LibraryArcs, slew_ns: float) -> None:
        self._arcs, self._slew_ns = arcs, slew_ns
        self._known: dict[tuple[str, str], tuple[float, float]] = {}

    def of(self, cell: str, pin: str) -> tuple[float, float]:
        """The transition of an output without load, ns, and what each fF adds: the worst arc's."""
        if (cell, pin) not in self._known:
            timing = self._arcs.of(cell)
            own = timing.arcs[timing.arcs[:, 2] == timing.pins.index(pin)]
            low, high = (self._worst(own[:, 5], ff) for ff in LOADS_FF)
            per_ff = (high - low) / (LOADS_FF[1] - LOADS_FF[0])
            self._known[cell, pin] = (low - per_ff * LOADS_FF[0], per_ff)
        return self._known[cell, pin]

    def _worst(self, tables: Ints, load_ff: float) -> float:
        count = len(tables)
        slews = np.full(count, self._slew_ns)
        found = self._arcs.tables.at(tables, slews, np.full(count, load_ff))
        return float(found.max(initial=0.0))
