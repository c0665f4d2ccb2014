"""Power of a netlist: a sum over a Liberty library's tables, with the activity of a simulation."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from gaincell.synth.blocks import CLOCK
from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Energy, Library
from gaincell.synth.netlist import CONSTANTS, Instance, Netlist
from gaincell.synth.saif import Activity
from gaincell.synth.steps.clock_tree import clock_tree

WIRE_F_PER_UM = 0.2e-15
"""Capacitance of a wire; 0.2 fF/um holds for minimum-pitch wires of all these nodes (ITRS 2011)."""
PITCHES_PER_SINK = 2.0
"""Assumed length of a net for each input it drives, in pitches of a cell: there is no layout."""


@dataclass(frozen=True)
class Power:
    """Average power, W.

    internal, net, leakage : sums over the library's tables and pin capacitances
    wires, clock_tree : estimates, as there is no layout
    by_block : all but the clock tree; "inputs" is what drives the input ports
    cells_w : internal, net and leakage of all cells but the clock gates
    unmatched : share of the nets without activity, counted as still
    """

    internal_w: float
    net_w: float
    leakage_w: float
    wires_w: float
    clock_tree_w: float
    by_block: dict[str, float] = field(default_factory=dict)
    cells_w: float = 0.0
    unmatched: float = 0.0

    @property
    def total_w(self) -> float:
        return self.internal_w + self.net_w + self.leakage_w + self.wires_w + self.clock_tree_w


def power_of(
    netlist: Netlist, library: Library, activity: Activity, block: Mapping[str, str]
) -> Power:
    """Power of ``netlist`` with ``activity``; ``block`` maps instances to blocks.

    A change of an output costs the tables of its arcs, weighted with how often their input
    changes; a change of an input costs its own tables, weighted with the probability of their
    condition. One typical transition time of the library stands for all.
    """
    load = net_loads(netlist, library)
    high = defaultdict(lambda: 0.5, activity.high) | {"1'b0": 0.0, "1'b1": 1.0}
    rate = defaultdict(float, activity.changes_per_s)
    area = netlist.area_um2(library)
    pitch_um = (area / max(1, len(netlist.instances))) ** 0.5
    sinks = _sinks(netlist, library)
    parts = tuple(defaultdict[str, float](float) for _ in range(4))
    internal, net_power, leakage, wires = parts
    for instance in netlist.instances:
        cell = library.cells.get(instance.cell)
        if cell is None:
            continue
        own = block[instance.name]
        ones = {pin: high[instance.pins.get(pin, "1'b0")] for pin in (*cell.inputs, *cell.outputs)}
        internal[own] += _internal_w(cell, instance, ones, rate, load, library.transition_s)
        leakage[own] += _leakage_w(cell, ones)
        for pin in cell.outputs:
            net = instance.pins.get(pin, "")
            per_change = rate[net] * library.voltage_v**2 / 2
            net_power[own] += load[net] * per_change
            wires[own] += sinks[net] * PITCHES_PER_SINK * pitch_um * WIRE_F_PER_UM * per_change
    for port in netlist.ports:
        if port.direction == "input":
            for net in port.nets:
                per_change = rate[net] * library.voltage_v**2 / 2
                net_power["inputs"] += load[net] * per_change
                if port.name != "clk":
                    length_um = sinks[net] * PITCHES_PER_SINK * pitch_um
                    wires["inputs"] += length_um * WIRE_F_PER_UM * per_change
    names = sorted({name for part in parts for name in part})
    cells_w = sum(
        sum(part.values()) - part["inputs"] - part[CLOCK] for part in (internal, net_power, leakage)
    )
    return Power(
        internal_w=sum(internal.values()),
        net_w=sum(net_power.values()),
        leakage_w=sum(leakage.values()),
        wires_w=sum(wires.values()),
        clock_tree_w=clock_tree(netlist, library, rate, WIRE_F_PER_UM).power_w,
        by_block={name: sum(part[name] for part in parts) for name in names},
        cells_w=cells_w,
        unmatched=1 - activity.matched,
    )


def net_loads(netlist: Netlist, library: Library) -> dict[str, float]:
    """Capacitance, F, of the inputs that each net drives."""
    load: dict[str, float] = defaultdict(float)
    for instance in netlist.instances:
        cell = library.cells.get(instance.cell)
        if cell is not None:
            for pin in cell.inputs:
                load[instance.pins.get(pin, "1'b0")] += cell.pins[pin].capacitance_f
    for constant in CONSTANTS.values():
        load[constant] = 0.0
    return load


def _sinks(netlist: Netlist, library: Library) -> Counter[str]:
    count: Counter[str] = Counter()
    for instance in netlist.instances:
        cell = library.cells.get(instance.cell)
        if cell is not None:
            count.update(instance.pins[pin] for pin in cell.inputs if pin in instance.pins)
    return count


def _internal_w(
    cell: Cell,
    instance: Instance,
    ones: Mapping[str, float],
    rate: Mapping[str, float],
    load: Mapping[str, float],
    transition_s: float,
) -> float:
    total = 0.0
    for name, pin in cell.pins.items():
        net = instance.pins.get(name, "")
        changes = rate[net]
        if not changes or not pin.energies:
            continue
        load_f = load[net] if pin.direction == "output" else 0.0
        by_cause: dict[str, list[Energy]] = defaultdict(list)
        for energy in pin.energies:
            by_cause[energy.related].append(energy)
        weights = {
            cause: sum(rate[instance.pins.get(each, "")] for each in cause.split())
            for cause in by_cause
        }
        if not sum(weights.values()):
            weights = dict.fromkeys(by_cause, 1.0)
        mean_j = sum(
            weights[cause] * _expected_j(energies, ones, transition_s, load_f)
            for cause, energies in by_cause.items()
        ) / sum(weights.values())
        total += changes * mean_j
    return total


def _expected_j(
    energies: list[Energy], ones: Mapping[str, float], transition_s: float, load_f: float
) -> float:
    """Energy of a change, weighted with the probabilities of the conditions."""
    chances = [expression(each.when).probability(ones) if each.when else 1.0 for each in energies]
    whole = sum(chances)
    if not whole:
        chances, whole = [1.0] * len(energies), float(len(energies))
    values = (each.at(transition_s, load_f) for each in energies)
    return sum(chance * value for chance, value in zip(chances, values, strict=True)) / whole


def _leakage_w(cell: Cell, ones: Mapping[str, float]) -> float:
    conditional = [(when, value) for when, value in cell.leakage_when if when]
    chances = [expression(when).probability(ones) for when, _ in conditional]
    if not sum(chances):
        return cell.leakage_w
    weighted = sum(chance * value for chance, (_, value) in zip(chances, conditional, strict=True))
    return weighted / sum(chances)
