"""Size a netlist: buffers where they help, and cells as large as their loads want."""

from dataclasses import dataclass

import numpy as np

from gaincell.synth.library.cells import Library
from gaincell.synth.metrics import Sizing
from gaincell.synth.netlist import Netlist
from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.buffering import Trees, strip_buffers
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.families import Families, families
from gaincell.synth.sizing.resizing import resize
from gaincell.synth.sizing.sweep import sweep
from gaincell.synth.sizing.timer import Timer, Wire, Wires
from gaincell.synth.wire_estimate import WIRE_F_PER_UM, WireEstimate

SWEEPS = 3
SLEW_FANOUT = 16
"""A transition is long from that of the smallest buffer on, with this many like it as its load."""


@dataclass(frozen=True)
class Sized:
    """A sized netlist, and what was done to it."""

    netlist: Netlist
    sizing: Sizing


def size_netlist(netlist: Netlist, library: Library, clock_ns: float) -> Sized:
    """Size ``netlist`` for a clock of ``clock_ns``, or for the shortest there is if none as fast.

    ABC's buffers go first; where that makes the netlist slower, they stay. Clock nets and gates
    stay as they are.

    Raises
    ------
    ValueError
        A delay table of the library cannot be read.
    """
    arcs, kinds = LibraryArcs(library), families(library)
    wires = estimated_wires(netlist, library)
    before = Timer(Circuit(netlist, library), arcs, wires).time().period_ns
    circuit, removed, period_ns = Circuit(netlist, library), 0, before
    for strip in (True, False):
        tried, gone = Circuit(netlist, library), 0
        if strip:
            gone = strip_buffers(tried, kinds)
        found_ns = _sized(Timer(tried, arcs, wires), kinds, clock_ns)
        if found_ns < before or found_ns <= clock_ns:
            circuit, removed, period_ns = tried, gone, found_ns
            break
    old = {instance.name: instance.cell for instance in netlist.instances}
    sized = circuit.to_netlist()
    return Sized(
        sized,
        Sizing(
            buffers_removed=removed,
            buffers_added=sum(each.name not in old for each in sized.instances),
            resized=sum(old.get(each.name, each.cell) != each.cell for each in sized.instances),
            area_before_um2=round(netlist.area_um2(library), 2),
            period_before_ns=round(before, 4),
            period_ns=round(period_ns, 4),
        ),
    )


def _sized(timer: Timer, kinds: Families, clock_ns: float) -> float:
    """Buffer and resize the timer's circuit; return its period, ns."""
    Trees(timer.circuit, timer.arcs, kinds, timer.wires).grow(timer.time())
    timer = Timer(timer.circuit, timer.arcs, timer.wires)
    times = timer.time()
    for _ in range(SWEEPS):
        if times.period_ns > clock_ns:
            sweep(timer, kinds, times, long_slew_ns(timer.arcs, kinds))
            times = timer.time()
    return resize(timer, kinds, clock_ns).period_ns


def estimated_wires(netlist: Netlist, library: Library) -> Wires:
    """The wires that the flow assumes for ``netlist`` before it is placed."""
    estimate = WireEstimate.of(netlist, library)

    def wire(net: str, sinks: int) -> Wire:
        return Wire(estimate.length_um(net, sinks) * WIRE_F_PER_UM * 1e15)

    return wire


def long_slew_ns(arcs: LibraryArcs, kinds: Families) -> float:
    """Transition, ns, from which on a cell of the library is too small for its load."""
    cell = kinds.buffers[0]
    timing = arcs.of(cell)
    load = np.full(len(timing.arcs), SLEW_FANOUT * timing.load_ff.max())
    slews = arcs.tables.at(timing.arcs[:, 5], np.zeros(len(timing.arcs)), load)
    return float(slews.max())
