"""A design whose cell and parts have the wires of their drawings, instead of estimated ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from gaincell.layout.arrays.circuit import GainCell, gain_cell
from gaincell.layout.parasitics.capacitance import SUBSTRATE, Capacitances, capacitances
from gaincell.layout.parasitics.cell import GROUND, CellWires, cell_wires
from gaincell.layout.parasitics.junctions import junctions
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import LOW as LOW_MODEL
from gaincell.layout.rows.devices import SUPPLIES, subcircuit
from gaincell.layout.rows.draw import draw_subcircuit
from gaincell.layout.rows.lvs import same_circuit
from gaincell.spice.design import Design
from gaincell.spice.netlist import Netlist

PARTS = ("score_converter", "output_converter", "line_driver", "write_select")
"""Subcircuits that are drawn besides the cell, where a design has them."""
LEAST_F = 1e-17
"""Smaller capacitances between nets of a part go to ground."""
UM = 1e-6


@dataclass(frozen=True)
class Drawn:
    """A design with its wires, and what they are.

    design : to simulate
    keys, values : cells of both arrays; the design has the first
    parts : capacitance of each net of each part, F
    """

    design: Design
    keys: CellWires
    values: CellWires
    parts: dict[str, dict[str, float]]


def with_wires(design: Design, process: Process) -> Drawn:
    """Draw a design's cell and parts, and put the capacitances and resistances back.

    Raises
    ------
    ValueError
        The design is of another node, something of it cannot be drawn, or a drawing has another
        circuit.
    """
    circuit = gain_cell(design, process)
    keys = cell_wires(circuit, process)
    values = cell_wires(gain_cell(design, process, by_row=True), process)
    bodies = dict(design.netlist.bodies)
    bodies["cell"] = _cell(design, circuit, keys)
    parts = {}
    for name in PARTS:
        if design.netlist.has(name):
            bodies[name], parts[name] = _part(design, process, name)
    levels = replace(
        design.levels,
        row_f=keys.to_rest("wbl"),
        line_f=(keys.to_rest("wl") + keys.to_rest("wlb")) / 2,
        write_line_f=keys.to_rest("wwl"),
        row_ohm=keys.ohm["wbl"],
        line_ohm=(keys.ohm["wl"] + keys.ohm["wlb"]) / 2,
        bit_ohm=keys.ohm["bl"],
    )
    netlist = Netlist(bodies, design.netlist.ports)
    return Drawn(replace(design, netlist=netlist, levels=levels), keys, values, parts)


def _cell(design: Design, circuit: GainCell, wires: CellWires) -> tuple[str, ...]:
    """The cell's transistors with drawn junctions, and its wires instead of its capacitors.

    Lines but the bit line have what goes beyond the cell in the design's levels.
    """
    lines = []
    for device, own in zip(design.netlist.devices("cell"), _in_order(design, circuit), strict=True):
        drain, gate, source = device.line.lower().split()[1:4]
        drawn = wires.junctions[gate, own]
        unit = design.levels.unit_m / UM
        lines.append(f"{device.line} {drawn.settings(drain, source, drawn.width, unit)}")
    farads: dict[tuple[str, str], float] = defaultdict(float)
    outer = {*circuit.along_row, *circuit.along_column} - {"bl"}
    for (one, other), value in wires.inside_f.items():
        supply = {one, other} & {"vdd", GROUND}
        if not supply or not {one, other} & outer:
            farads[one, other] += value
    for (net, _), value in wires.outside_f.items():
        if net not in outer:
            farads[net, GROUND] += value
    return (*lines, *_capacitors(farads))


def _in_order(design: Design, circuit: GainCell) -> list[str]:
    """Kinds of the cell's transistors as the netlist lists them."""
    kinds = {frozenset((each.gate, *each.ends)): each.kind for each in circuit.transistors}
    words = (device.line.lower().split()[1:4] for device in design.netlist.devices("cell"))
    return [kinds[frozenset(nets)] for nets in words]


def _capacitors(farads: dict[tuple[str, str], float]) -> list[str]:
    pairs = ((pair, value) for pair, value in sorted(farads.items()) if pair[0] != pair[1])
    return [f"cwire{at} {one} {two} {each:.6g}" for at, ((one, two), each) in enumerate(pairs)]


def _part(design: Design, process: Process, name: str) -> tuple[tuple[str, ...], dict[str, float]]:
    """A part without inner subcircuits, with junctions and wires; and what each net has."""
    circuit = subcircuit(design, process, name)
    drawn = draw_subcircuit(name, circuit, process)
    if not same_circuit(drawn.cell, process, circuit):
        raise ValueError(f"the drawn {name} has not the circuit of design {design.name}'s netlist")
    found, extracted = capacitances(drawn.layout, process)
    own = junctions(extracted.netlist().circuit_by_name(name))
    models = _models(design.netlist)
    unit = design.levels.unit_m / UM
    lines = []
    for at, each in enumerate(circuit.devices):
        ends = frozenset((each.drain, each.source))
        key = each.kind + "_low" * each.low, each.gate, ends, each.length
        width, length = each.width / 1e3, each.length / 1e3
        nets = (each.drain, each.gate, each.source, SUPPLIES[each.kind])
        first, model = models[each.kind, each.low]
        lines.append(
            f"{first}{at} {' '.join(map(_node, nets))} {model} w={width / unit:g} "
            f"l={length / unit:g} {own[key].settings(each.drain, each.source, width, unit)}"
        )
    lines += [
        f"cown{at} {_node(each.upper)} {_node(each.lower)} {each.farads:.6g}"
        for at, each in enumerate(circuit.capacitors)
    ]
    totals = {net: found.total(net) for net in circuit.nets}
    return (*lines, *_capacitors(_kept(found))), totals


def _kept(found: Capacitances) -> dict[tuple[str, str], float]:
    farads: dict[tuple[str, str], float] = defaultdict(float)
    for (one, other), value in found.pairs.items():
        nets = [GROUND if each == SUBSTRATE else _node(each) for each in (one, other)]
        if value >= LEAST_F or GROUND in nets:
            farads[min(nets), max(nets)] += value
        else:
            for net in nets:
                farads[min(net, GROUND), max(net, GROUND)] += value
    return farads


def _node(net: str) -> str:
    return net.replace(".", "_")


def _models(netlist: Netlist) -> dict[tuple[str, bool], tuple[str, str]]:
    """First letter of a line and the model, by kind and low threshold."""
    found = {}
    kinds = {supply: kind for kind, supply in SUPPLIES.items()}
    for name in netlist.bodies:
        for device in netlist.devices(name):
            words = device.line.lower().split()
            if words[4] in kinds:
                low = device.model.lower().endswith(LOW_MODEL)
                found[kinds[words[4]], low] = device.line[0], device.model
    return found
