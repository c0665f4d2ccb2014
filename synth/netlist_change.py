"""A netlist in Yosys' JSON, brought to the state of one that was changed in memory."""

import json
from pathlib import Path
from typing import Any

from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Instance, Netlist


def write_changed(source: Path, old: Netlist, new: Netlist, library: Library, target: Path) -> None:
    """Write ``source``, the JSON that ``old`` was read from, to ``target`` with ``new``'s cells.

    Instances of both keep their place and name; those that only ``new`` has come after them, with
    nets of their own.
    """
    design = json.loads(source.read_text())
    module = design["modules"][old.name]
    cells: dict[str, Any] = module["cells"]
    bits: dict[str, object] = {}
    for instance, cell in zip(old.instances, cells.values(), strict=True):
        for pin, net in instance.pins.items():
            bits[net] = _bit(cell["connections"], pin)
    for port in old.ports:
        for net, bit in zip(port.nets, module["ports"][port.name]["bits"], strict=True):
            bits.setdefault(net, bit)
    # Some names are of nets that no cell touches: their bits are not free either.
    named = (bit for each in module["netnames"].values() for bit in each["bits"])
    fresh = 1 + max(bit for bit in (*bits.values(), *named) if isinstance(bit, int))
    key = dict(zip((each.name for each in old.instances), cells, strict=True))
    kept = {}
    for instance in new.instances:
        for net in instance.pins.values():
            if net not in bits:
                bits[net], fresh = fresh, fresh + 1
        # A name with $ is no public one: Yosys must not prefer it to that of a register.
        name = key.get(instance.name, f"$added${instance.name}")
        kept[name] = _cell(cells.get(name), instance, bits, library)
    module["cells"] = kept
    target.write_text(json.dumps(design))


def _cell(
    found: dict[str, Any] | None, instance: Instance, bits: dict[str, object], library: Library
) -> dict[str, Any]:
    """The JSON of ``instance``, from that of the cell that it was."""
    if found is None:
        directions = {
            pin: library.cells[instance.cell].pins[pin].direction for pin in instance.pins
        }
        found = {
            "hide_name": 1,
            "type": instance.cell,
            "parameters": {},
            "attributes": {},
            "port_directions": directions,
            "connections": {pin: [0] for pin in instance.pins},
        }
    connections = {pin: list(wires) for pin, wires in found["connections"].items()}
    for pin, net in instance.pins.items():
        name, _, place = pin.rstrip("]").partition("[")
        connections[name][int(place or 0)] = bits[net]
    return found | {"type": instance.cell, "connections": connections}


def _bit(connections: dict[str, list[object]], pin: str) -> object:
    name, _, place = pin.rstrip("]").partition("[")
    return connections[name][int(place or 0)]
