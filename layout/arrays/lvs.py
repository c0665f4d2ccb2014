"""Compares a drawn sub-tile with the netlist of its design, cell by cell."""

from __future__ import annotations

from typing import Any

from gaincell.layout.arrays.cell import NAME
from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.arrays.extract import N_MODEL, P_MODEL, extract
from gaincell.layout.arrays.tile import TAPS
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.spice.netlist import PORTS

WELLS = ("well", "substrate")
"""Nets of a cell for wells, which its neighbours and taps tie to the supplies."""
NM_PER_UM = 1e3


def same_circuit(cell: Any, process: Process, circuit: GainCell, dims: int, tokens: int) -> bool:
    """Whether the drawn sub-tile has this cell for each of ``dims`` and ``tokens``.

    Nets, sizes of transistors and names of pins must agree.
    """
    extracted = extract(cell, process)  # owns its netlist
    found = extracted.netlist().dup()
    for inner in list(found.each_circuit()):
        if inner.name == TAPS:
            found.flatten_circuit(inner)
    found.make_top_level_pins()
    found.purge()
    wanted = reference(cell.name, circuit, dims, tokens)
    tops = [netlist.circuit_by_name(cell.name) for netlist in (found, wanted)]
    nets = [{net.name: net for net in top.each_net()} for top in tops]
    if nets[0].keys() != nets[1].keys():
        return False
    compare = db().NetlistComparer()
    for name, net in nets[0].items():
        compare.same_nets(*tops, net, nets[1][name], True)
    return bool(compare.compare(found, wanted))


def reference(name: str, circuit: GainCell, dims: int, tokens: int) -> Any:
    """KLayout's netlist of a sub-tile: a circuit of the cell, and one of all cells, ``name``."""
    kdb = db()
    netlist = kdb.Netlist()
    models = {}
    for model in (N_MODEL, P_MODEL):
        models[model] = kdb.DeviceClassMOS4Transistor()
        models[model].name = model
        netlist.add(models[model])
    unit, pins = _unit(netlist, models, circuit)
    top = kdb.Circuit()
    top.name = name
    netlist.add(top)
    nets: dict[str, Any] = {}
    rows, columns = (tokens, dims) if circuit.by_row else (dims, tokens)
    for row in range(rows):
        for column in range(columns):
            placed = top.create_subcircuit(unit)
            for port, pin in pins.items():
                net = _net(port, circuit, row, column)
                if net not in nets:
                    nets[net] = top.create_net(net)
                placed.connect_pin(pin, nets[net])
    for net, joined in nets.items():
        top.connect_pin(top.create_pin(net), joined)
    return netlist


def _unit(netlist: Any, models: dict[str, Any], circuit: GainCell) -> tuple[Any, dict[str, Any]]:
    """The cell's circuit, and its pins by name. Storage node and inner nets have no pins."""
    unit = db().Circuit()
    unit.name = NAME
    netlist.add(unit)
    ports = [port for port in PORTS["cell"] if port != "s"] + list(WELLS)
    nets = {name: unit.create_net(name) for name in ports}
    pins = {}
    for name in ports:
        pins[name] = unit.create_pin(name)
        unit.connect_pin(pins[name], nets[name])
    for each in circuit.transistors:
        device = unit.create_device(models[each.kind])
        bulk = WELLS[0] if each.kind == P_MODEL else WELLS[1]
        for terminal, name in zip("DGSB", (each.drain, each.gate, each.source, bulk), strict=True):
            if name not in nets:
                nets[name] = unit.create_net(name)
            device.connect_terminal(terminal, nets[name])
        device.set_parameter("W", each.width / NM_PER_UM)
        device.set_parameter("L", each.length / NM_PER_UM)
    return unit, pins


def _net(port: str, circuit: GainCell, row: int, column: int) -> str:
    """Net of the sub-tile at a cell's port."""
    if port in ("vdd", "vss"):
        return port
    if port in WELLS:
        return "vdd" if port == WELLS[0] else "vss"
    return f"{port}{column}" if port in circuit.along_column else f"{port}{row}"
