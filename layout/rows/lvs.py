"""Compares a drawn subcircuit with its transistors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gaincell.layout.arrays.extract import LOW, extract
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import SUPPLIES, Device

NM_PER_UM = 1e3


def same_devices(cell: Any, process: Process, devices: Sequence[Device]) -> bool:
    """Whether a drawing has these transistors: nets by name, kinds and sizes must agree.

    Folded transistors count as one of the sum of their widths.
    """
    extracted = extract(cell, process)  # owns its netlist
    found = extracted.netlist().dup()
    found.make_top_level_pins()
    wanted = reference(cell.name, devices)
    for netlist in (found, wanted):
        netlist.combine_devices()
        netlist.purge()
    tops = [netlist.circuit_by_name(cell.name) for netlist in (found, wanted)]
    nets = [{net.name: net for net in top.each_net()} for top in tops]
    if nets[0].keys() != nets[1].keys():
        return False
    compare = db().NetlistComparer()
    for name, net in nets[0].items():
        compare.same_nets(*tops, net, nets[1][name], True)
    return bool(compare.compare(found, wanted))


def reference(name: str, devices: Sequence[Device]) -> Any:
    """KLayout's netlist of the transistors: one circuit, ``name``, with a pin for each net."""
    kdb = db()
    netlist = kdb.Netlist()
    models: dict[str, Any] = {}
    top = kdb.Circuit()
    top.name = name
    netlist.add(top)
    nets: dict[str, Any] = {}
    for each in devices:
        model = each.kind + LOW * each.low
        if model not in models:
            models[model] = kdb.DeviceClassMOS4Transistor()
            models[model].name = model
            netlist.add(models[model])
        device = top.create_device(models[model])
        ends = each.drain, each.gate, each.source, SUPPLIES[each.kind]
        for terminal, net in zip("DGSB", ends, strict=True):
            if net not in nets:
                nets[net] = top.create_net(net)
            device.connect_terminal(terminal, nets[net])
        device.set_parameter("W", each.width / NM_PER_UM)
        device.set_parameter("L", each.length / NM_PER_UM)
    for net, joined in nets.items():
        top.connect_pin(top.create_pin(net), joined)
    return netlist
