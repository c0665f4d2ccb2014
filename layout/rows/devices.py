"""The devices of a subcircuit and of all subcircuits in it, with their nets and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.process import Process
from gaincell.spice.area import device_sizes, value
from gaincell.spice.design import Design

NM = 1e-9
LOW = "_lvt"
"""End of the names of models with a low threshold."""
HELD = ("bl", "x")
"""Bit lines, and the nets behind them that keep a comparator's trip point."""
SUPPLIES = {"n": "vss", "p": "vdd"}
"""Net of the bulk, by kind."""


@dataclass(frozen=True)
class Device:
    """A transistor, "n" or "p"; ``low``: of low threshold. Width and length in nm."""

    kind: str
    low: bool
    drain: str
    gate: str
    source: str
    width: int
    length: int


@dataclass(frozen=True)
class Capacitor:
    """A capacitor, F, and the nets of its plates."""

    upper: str
    lower: str
    farads: float


@dataclass(frozen=True)
class Resistor:
    """A resistor, Ohm, and its nets."""

    first: str
    second: str
    ohms: float


@dataclass(frozen=True)
class Circuit:
    """What a part is drawn from; ``ports``: nets that others reach, besides the supplies."""

    devices: tuple[Device, ...]
    capacitors: tuple[Capacitor, ...] = ()
    ports: tuple[str, ...] = ()
    resistors: tuple[Resistor, ...] = ()

    @property
    def nets(self) -> list[str]:
        """All nets, the supplies too, by name."""
        ends = {net for each in self.devices for net in (each.drain, each.gate, each.source)}
        ends |= {net for each in self.capacitors for net in (each.upper, each.lower)}
        ends |= {net for each in self.resistors for net in (each.first, each.second)}
        return sorted(ends | set(SUPPLIES.values()))

    @property
    def held(self) -> list[str]:
        """Nets on which a little charge counts, by name."""
        return [net for net in self.nets if net.rpartition(".")[2] in HELD]


def subcircuit(design: Design, process: Process, name: str) -> Circuit:
    """The devices of a subcircuit; inner nets are named by the way to them.

    Raises
    ------
    ValueError
        The design has no such subcircuit or is of another node, or the subcircuit has other parts,
        a bulk that is no supply, or a size off the process's grid.
    """
    process.check_node(design.name, design.levels.node_nm)
    if not design.netlist.has(name):
        raise ValueError(f"design {design.name} has no subcircuit {name}")
    ports = design.netlist.ports[name]
    found = _parts(design, process, name, dict(zip(ports, ports, strict=True)), "")
    devices = tuple(each for each in found if isinstance(each, Device))
    capacitors = tuple(each for each in found if isinstance(each, Capacitor))
    resistors = tuple(each for each in found if isinstance(each, Resistor))
    return Circuit(devices, capacitors, tuple(ports), resistors)


def _parts(
    design: Design, process: Process, name: str, nets: dict[str, str], path: str
) -> list[Device | Capacitor | Resistor]:
    netlist = design.netlist
    lines = {device.line: device for device in netlist.devices(name)}

    def outer(net: str) -> str:
        return nets.setdefault(net, f"{path}{net}")

    found: list[Device | Capacitor | Resistor] = []
    for line in netlist.bodies[name]:
        words = line.lower().split()
        if line in lines:
            device = lines[line]
            drain, gate, source, bulk = map(outer, words[1:5])
            kind = next((kind for kind, supply in SUPPLIES.items() if supply == bulk), "")
            if not kind:
                raise ValueError(f"{words[0]} of {name} has bulk {bulk}, but it must be a supply")
            *sides, copies = device_sizes(device, design.sizes)
            width, length = (
                process.on_grid(side * design.levels.unit_m / NM, f"subcircuit {name}")
                for side in sides
            )
            low = device.model.lower().endswith(LOW)
            found += [Device(kind, low, drain, gate, source, width, length)] * round(copies)
        elif words[0][0] == "x" and words[-1] in netlist.bodies:
            inner = words[-1]
            joined = zip(netlist.ports[inner], map(outer, words[1:-1]), strict=True)
            found += _parts(design, process, inner, dict(joined), f"{path}{words[0]}.")
        elif words[0][0] == "c":
            farads = value(line, design.sizes)
            found.append(Capacitor(outer(words[1]), outer(words[2]), farads))
        elif words[0][0] == "r":
            ohms = value(line, design.sizes)
            found.append(Resistor(outer(words[1]), outer(words[2]), ohms))
        else:
            raise ValueError(
                f"{words[0]} of subcircuit {name} is no transistor, capacitor or resistor, and "
                "only those are drawn"
            )
    return found
