"""Power step: add up a Liberty library's tables, with the activity of a simulation."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.synth.blocks import CLOCK
from gaincell.synth.library.boolean import expression
from gaincell.synth.library.cells import Cell, Energy, Library
from gaincell.synth.metrics import GateLevel, Power, PowerSum, as_json
from gaincell.synth.netlist import CONSTANTS, Instance, Netlist
from gaincell.synth.saif import Activity, read_saif
from gaincell.synth.steps import step
from gaincell.synth.steps.clock_tree import clock_sinks, clock_tree
from gaincell.synth.steps.gate_level import SCOPE
from gaincell.synth.steps.mapping import MappingOptions
from gaincell.synth.steps.opensta import find_opensta
from gaincell.synth.steps.opensta_power import opensta_power
from gaincell.synth.steps.power_cautions import power_cautions
from gaincell.synth.wire_estimate import WIRE_F_PER_UM, WireEstimate

TESTBENCH_CLOCK_NS = 1.0
"""Period of the test bench's clock, in which the activity is recorded: changes per cycle count."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """``gate_level`` is None where the activity is of an earlier run."""

    config: HeadConfig | CoreConfig
    netlist: Netlist
    block: Mapping[str, str]
    library: Library
    library_file: Path
    options: MappingOptions
    saif: Path
    gate_level: GateLevel | None
    cautions: list[str] | None
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    """``cautions`` are those of the inputs and more."""

    power: Power
    energy_per_token_j: float
    cautions: list[str] | None

    def report(self) -> dict[str, Any]:
        return as_json(self.power)


def run(inputs: Inputs) -> Outputs:
    """Add up the power; ask OpenSTA, where it is installed, for a second number.

    Raises
    ------
    WrongActivity
        The activity cannot be read, or is of another netlist.
    """
    netlist, library, clock_ns = inputs.netlist, inputs.library, inputs.options.clock_ns
    nets = {net for instance in netlist.instances for net in instance.pins.values()}
    recorded = read_saif(inputs.saif, SCOPE, nets - set(CONSTANTS.values()))
    activity = recorded.at_clock(TESTBENCH_CLOCK_NS, clock_ns)
    total = power_of(netlist, library, activity, inputs.block)
    theirs = None
    if (program := find_opensta()) is not None:
        step.link(inputs.folder, inputs.library_file)
        theirs = opensta_power(program, netlist, library, activity, clock_ns, inputs.folder)
    tokens = None if inputs.gate_level is None else inputs.gate_level.tokens
    clock_s = clock_ns * 1e-9
    core = core_of(inputs.config)
    cycles: float = core.head.interval_cycles * core.heads_per_group
    if tokens is not None:
        cycles = activity.seconds / clock_s / tokens
    power = Power(
        **vars(total),
        seconds=activity.seconds,
        nets=len(nets),
        transition_s=library.transition_s,
        opensta_cells_w=None if theirs is None else theirs.total_w,
        tokens=tokens,
        cycles_per_token=cycles,
    )
    cautions = [*(inputs.cautions or ()), *power_cautions(power, theirs, netlist, library)]
    return Outputs(
        power=power,
        energy_per_token_j=power.total_w * cycles * clock_s,
        cautions=cautions or None,
    )


def power_of(
    netlist: Netlist,
    library: Library,
    activity: Activity,
    block: Mapping[str, str],
    placed_um: Mapping[str, float] | None = None,
) -> PowerSum:
    """Power of ``netlist`` with ``activity``; ``block`` maps instances to blocks.

    A change of an output costs the tables of its arcs, weighted with how often their input
    changes; a change of an input costs its own tables, weighted with the probability of their
    condition. One typical transition time of the library stands for all.
    ``placed_um`` is the length of each net of a placed netlist, whose clock tree is part of it.
    """
    load = net_loads(netlist, library)
    high = defaultdict(lambda: 0.5, activity.high) | {"1'b0": 0.0, "1'b1": 1.0}
    rate = defaultdict(float, activity.changes_per_s)
    estimate = WireEstimate.of(netlist, library)
    sinks = _sinks(netlist, library)
    clocks = clock_sinks(netlist, library)

    def wire_w(net: str, per_change: float) -> float:
        if placed_um is not None:
            length_um = placed_um.get(net, 0.0)
        elif net in clocks:  # part of the clock tree's estimate
            length_um = 0.0
        else:
            length_um = estimate.length_um(net, sinks[net])
        return length_um * WIRE_F_PER_UM * per_change

    parts = tuple(defaultdict[str, float](float) for _ in range(4))
    internal, net_power, leakage, wires = parts
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
        own = block[instance.name]
        ones = {pin: high[instance.pins.get(pin, "1'b0")] for pin in (*cell.inputs, *cell.outputs)}
        internal[own] += _internal_w(cell, instance, ones, rate, load, library.transition_s)
        leakage[own] += _leakage_w(cell, ones)
        for pin in cell.outputs:
            net = instance.pins.get(pin, "")
            per_change = rate[net] * library.voltage_v**2 / 2
            net_power[own] += load[net] * per_change
            wires[own] += wire_w(net, per_change)
    for port in netlist.ports:
        if port.direction == "input":
            for net in port.nets:
                per_change = rate[net] * library.voltage_v**2 / 2
                net_power["inputs"] += load[net] * per_change
                wires["inputs"] += wire_w(net, per_change)
    names = sorted({name for part in parts for name in part})
    cells_w = sum(
        sum(part.values()) - part["inputs"] - part[CLOCK] for part in (internal, net_power, leakage)
    )
    sums = [sum(part.values()) for part in parts]
    tree_w = 0.0
    if placed_um is None:
        tree_w = clock_tree(netlist, library, rate, WIRE_F_PER_UM).power_w
    return PowerSum(
        internal_w=sums[0],
        net_w=sums[1],
        leakage_w=sums[2],
        wires_w=sums[3],
        clock_tree_w=tree_w,
        by_block={name: sum(part[name] for part in parts) for name in names},
        cells_w=cells_w,
        unmatched=1 - activity.matched,
        total_w=sum(sums) + tree_w,
    )


def net_loads(netlist: Netlist, library: Library) -> dict[str, float]:
    """Capacitance, F, of the inputs that each net drives."""
    load: dict[str, float] = defaultdict(float)
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
        for pin in cell.inputs:
            load[instance.pins.get(pin, "1'b0")] += cell.pins[pin].capacitance_f
    for constant in CONSTANTS.values():
        load[constant] = 0.0
    return load


def _sinks(netlist: Netlist, library: Library) -> Counter[str]:
    count: Counter[str] = Counter()
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
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
        changes = rate[instance.pins.get(name, "")]
        if not changes or not pin.energies:
            continue
        load_f = load[instance.pins[name]] if pin.direction == "output" else 0.0
        for supply in dict.fromkeys(energy.supply for energy in pin.energies):
            by_cause: dict[str, list[Energy]] = defaultdict(list)
            for energy in pin.energies:
                if energy.supply == supply:
                    by_cause[energy.related].append(energy)
            weights = {
                cause: sum(rate[instance.pins.get(pin_name, "")] for pin_name in cause.split())
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
    values = [energy.at(transition_s, load_f) for energy in energies]
    return _expected([energy.when for energy in energies], values, ones)


def _leakage_w(cell: Cell, ones: Mapping[str, float]) -> float:
    if not cell.leakage_when:
        return cell.leakage_w
    whens, values = zip(*cell.leakage_when, strict=True)
    if not any(whens):
        return float(values[0])
    if not sum(_chances(whens, ones)):
        return cell.leakage_w
    return _expected(whens, values, ones)


def _expected(whens: Sequence[str], values: Sequence[float], ones: Mapping[str, float]) -> float:
    """Mean of ``values``, weighted with the probabilities of their conditions.

    No condition is any that is not listed beside it.
    """
    chances = _chances(whens, ones)
    if not sum(chances):
        chances = [1.0] * len(values)
    weighted = sum(chance * value for chance, value in zip(chances, values, strict=True))
    return weighted / sum(chances)


def _chances(whens: Sequence[str], ones: Mapping[str, float]) -> list[float]:
    chances = [expression(when).probability(ones) if when else 0.0 for when in whens]
    others = max(0.0, 1.0 - sum(chances)) if any(whens) else 1.0
    return [chance if when else others for when, chance in zip(whens, chances, strict=True)]
