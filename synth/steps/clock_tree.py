"""Area and power of the clock tree: an estimate, as there is no layout."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gaincell.synth.library.cells import Library
from gaincell.synth.library.roles import driver
from gaincell.synth.netlist import Netlist

FANOUT = 16
"""Sinks of one buffer: usual for a tree of small buffers."""


@dataclass(frozen=True)
class ClockTree:
    """Buffers of all clock nets, the gated ones among them."""

    buffers: int
    area_um2: float
    power_w: float


def clock_tree(
    netlist: Netlist, library: Library, rate: Mapping[str, float], wire_f_per_um: float
) -> ClockTree:
    """Estimate for ``netlist``; ``rate`` gives the changes per second of each net.

    Every clock net with more than ``FANOUT`` sinks becomes a tree of one buffer size, each stage
    with ``FANOUT`` sinks. A wire to a sink is as long as the pitch of the sinks.
    """
    buffer = driver(library)
    sinks = clock_sinks(netlist, library)
    area = netlist.area_um2(library)
    pitch_um = (area / max(1, sum(sinks.values()))) ** 0.5
    wire_f = pitch_um * wire_f_per_um
    own_f = buffer.pins[buffer.inputs[0]].capacitance_f
    arcs = buffer.pins[buffer.outputs[0]].energies
    energy_j = sum(arc.at(library.transition_s, FANOUT * (own_f + wire_f)) for arc in arcs)
    energy_j /= max(1, len(arcs))
    half_square = library.voltage_v**2 / 2
    count, power = 0, 0.0
    for net, driven in sinks.items():
        power += rate[net] * driven * wire_f * half_square
        while driven > FANOUT:
            driven = -(-driven // FANOUT)
            count += driven
            per_change = energy_j + (own_f + wire_f) * half_square
            power += rate[net] * driven * per_change + driven * buffer.leakage_w
    return ClockTree(count, count * buffer.area_um2, power)


def clock_sinks(netlist: Netlist, library: Library) -> Counter[str]:
    """How many clock pins of flops and clock gates each clock net drives."""
    sinks: Counter[str] = Counter()
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
        for pin in cell.inputs:
            if cell.pins[pin].clock or pin == cell.roles.get("clock_gate_clock_pin"):
                sinks[instance.pins[pin]] += 1
    return sinks
