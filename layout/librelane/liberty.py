"""Liberty of the block of arrays: capacitances of its pins, and when its pulses come.

At its border stand buffers of the cells' library, as an assumption: the smallest one behind each
input, the largest one before each output. The delay from a converter's enable to its pulses is that
of this buffer, after the cycles that the head gives its converters.
"""

from __future__ import annotations

from collections.abc import Sequence

from gaincell.config import HeadConfig
from gaincell.layout.floorplan.arrays import SUPPLIES
from gaincell.layout.floorplan.ports import Port
from gaincell.refusals import Refused
from gaincell.synth.library.cells import Library
from gaincell.synth.library.liberty_text import Attribute, Group, parse, write
from gaincell.synth.sizing.families import families

CONVERT = "array_v_convert"
"""The enable that output pulses follow."""
SENSES = {"array_pulse": "positive_unate", "array_sign": "non_unate"}
DELAYS, TRANSITIONS = ("cell_rise", "cell_fall"), ("rise_transition", "fall_transition")
HEAD = ("operating_conditions", "lu_table_template")
"""Groups of the library that the block's file keeps."""


def arrays_liberty(
    name: str, ports: Sequence[Port], um2: float, config: HeadConfig, library: Library
) -> str:
    """Liberty of cell ``name`` with these ``ports``, in the units of ``library``'s text.

    Raises
    ------
    Refused
        The library has no buffer with tables of delays.
    """
    (whole,) = parse(library.text)
    kinds = families(library)
    if not kinds.buffers:
        raise Refused(f"library {library.name} has no buffer, but the arrays' border needs one")
    cells = {group.name: group for group in whole.groups("cell")}
    least, most = kinds.buffers[0], kinds.buffers[-1]
    incoming = _pin_of(cells[least], kinds.buffer_pins[least][0])
    outgoing = _pin_of(cells[most], kinds.buffer_pins[most][1])
    arc = next(outgoing.groups("timing"), None)
    if arc is None or not any(True for _ in arc.groups(*DELAYS)):
        raise Refused(f"buffer {most} of library {library.name} has no table of delays")
    file = Group("library", [f"{name}_{library.corner}"])
    file.items = [item for item in whole.items if _kept(item)]
    for supply, volts in zip(SUPPLIES, (library.voltage_v, 0.0), strict=True):
        file.items.append(Attribute("voltage_map", [supply, f"{volts:g}"], complex=True))
    file.items += [_bus_type(width) for width in sorted({p.width for p in ports if p.vector})]
    cell = Group("cell", [name])
    cell.items = [
        Attribute("area", [f"{um2:.3f}"]),
        Attribute("is_macro_cell", ["true"]),
        Attribute("dont_touch", ["true"]),
        Attribute("dont_use", ["true"]),
    ]
    for supply, kind in zip(SUPPLIES, ("primary_power", "primary_ground"), strict=True):
        attributes = [Attribute("voltage_name", [supply]), Attribute("pg_type", [kind])]
        cell.items.append(Group("pg_pin", [supply], items=[*attributes]))
    convert = next(port for port in ports if port.name == CONVERT)
    wait_ns = config.late_cycles * config.clock_s * 1e9
    for port in ports:
        if port.direction == "input":
            own = _attributes(incoming, "capacitance", "max_transition")
        else:
            own = _attributes(outgoing, "max_capacitance")
            own += [_arc(arc, bit, SENSES[port.name], wait_ns) for bit in convert.bits]
        cell.items.append(_port(port, own))
    file.items.append(cell)
    return write(file)


def _kept(item: Attribute | Group) -> bool:
    """Whether something at the library's top belongs into the block's file, too."""
    return item.kind in HEAD if isinstance(item, Group) else "wire_load" not in item.name


def _pin_of(cell: Group, name: str) -> Group:
    return next(pin for pin in cell.groups("pin") if pin.name == name)


def _attributes(pin: Group, *names: str) -> list[Attribute | Group]:
    return [item for name in names for item in pin.attributes(name)]


def _bus_type(width: int) -> Group:
    values = {"base_type": "array", "data_type": "bit", "bit_width": f"{width}"}
    values |= {"bit_from": f"{width - 1}", "bit_to": "0", "downto": "true"}
    items = [Attribute(name, [value]) for name, value in values.items()]
    return Group("type", [f"bits_{width}"], items=[*items])


def _port(port: Port, items: list[Attribute | Group]) -> Group:
    supplies = zip(("related_power_pin", "related_ground_pin"), SUPPLIES, strict=True)
    related = [Attribute(name, [supply]) for name, supply in supplies]
    whole = [Attribute("direction", [port.direction]), *related, *items]
    if not port.vector:
        return Group("pin", [port.name], items=whole)
    bus = [Attribute("bus_type", [f"bits_{port.width}"]), *whole]
    return Group("bus", [port.name], items=bus)


def _arc(buffer: Group, related: str, sense: str, wait_ns: float) -> Group:
    """The buffer's arc from another pin, later by ``wait_ns``."""
    arc = Group("timing", [])
    arc.items = [Attribute("related_pin", [related]), Attribute("timing_sense", [sense])]
    arc.items.append(Attribute("timing_type", ["combinational"]))
    for table in buffer.groups(*DELAYS, *TRANSITIONS):
        delay = wait_ns if table.kind in DELAYS else 0.0
        later = Group(table.kind, table.args)
        later.items = [
            Attribute(item.name, _later(item.values, delay), item.complex)
            if isinstance(item, Attribute) and item.name == "values"
            else item
            for item in table.items
        ]
        arc.items.append(later)
    return arc


def _later(rows: list[str], delay: float) -> list[str]:
    words = [row.replace(",", " ").split() for row in rows]
    return [", ".join(f"{float(word) + delay:.10g}" for word in row) for row in words]
