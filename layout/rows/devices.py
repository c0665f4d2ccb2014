"""The transistors of a subcircuit and of all subcircuits in it, with their nets and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.process import Process
from gaincell.spice.area import size_value
from gaincell.spice.design import Design

NM = 1e-9
LOW = "_lvt"
"""End of the names of models with a low threshold."""
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
class Circuit:
    """What a part is drawn from."""

    devices: tuple[Device, ...]
    capacitors: tuple[Capacitor, ...] = ()

    @property
    def nets(self) -> list[str]:
        """All nets, the supplies first."""
        ends = {net for each in self.devices for net in (each.drain, each.gate, each.source)}
        ends |= {net for each in self.capacitors for net in (each.upper, each.lower)}
        supplies = list(SUPPLIES.values())
        return [*supplies, *sorted(ends - set(supplies))]


def subcircuit(design: Design, process: Process, name: str) -> Circuit:
    """The transistors and capacitors of a subcircuit; inner nets are named by the way to them.

    Raises
    ------
    ValueError
        The design has no such subcircuit or is of another node, or the subcircuit has other parts,
        a bulk that is no supply, or a size off the process's grid.
    """
    if design.levels.node_nm != process.node_nm:
        raise ValueError(
            f"design {design.name} is at {design.levels.node_nm:g} nm, but process {process.name} "
            f"at {process.node_nm:g} nm"
        )
    if not design.netlist.has(name):
        raise ValueError(f"design {design.name} has no subcircuit {name}")
    ports = design.netlist.ports[name]
    found = _parts(design, process, name, dict(zip(ports, ports, strict=True)), "")
    devices = tuple(each for each in found if isinstance(each, Device))
    return Circuit(devices, tuple(each for each in found if isinstance(each, Capacitor)))


def _parts(
    design: Design, process: Process, name: str, nets: dict[str, str], path: str
) -> list[Device | Capacitor]:
    netlist = design.netlist
    lines = {device.line: device for device in netlist.devices(name)}

    def outer(net: str) -> str:
        return nets.setdefault(net, f"{path}{net}")

    found: list[Device | Capacitor] = []
    for line in netlist.bodies[name]:
        words = line.lower().split()
        if line in lines:
            device = lines[line]
            drain, gate, source, bulk = map(outer, words[1:5])
            kind = next((kind for kind, supply in SUPPLIES.items() if supply == bulk), "")
            if not kind:
                raise ValueError(f"{words[0]} of {name} has bulk {bulk}, but it must be a supply")
            width, length, copies = (
                size_value(text, design.sizes)
                for text in (device.width, device.length, device.copies)
            )
            low = device.model.lower().endswith(LOW)
            wide = _on_grid(width * design.levels.unit_m / NM, name, process)
            long = _on_grid(length * design.levels.unit_m / NM, name, process)
            found += [Device(kind, low, drain, gate, source, wide, long)] * round(copies)
        elif words[0][0] == "x" and words[-1] in netlist.bodies:
            inner = words[-1]
            joined = zip(netlist.ports[inner], map(outer, words[1:-1]), strict=True)
            found += _parts(design, process, inner, dict(joined), f"{path}{words[0]}.")
        elif words[0][0] == "c":
            farads = size_value(line.split()[3].strip("{}'"), design.sizes)
            found.append(Capacitor(outer(words[1]), outer(words[2]), farads))
        else:
            raise ValueError(
                f"{words[0]} of subcircuit {name} is neither a transistor nor a capacitor, and "
                "only those are drawn"
            )
    return found


def _on_grid(nm: float, name: str, process: Process) -> int:
    steps = round(nm / process.grid_nm)
    if abs(steps * process.grid_nm - nm) > 1e-3:
        raise ValueError(
            f"subcircuit {name} has a size of {nm:g} nm, but {process.name} has a grid of "
            f"{process.grid_nm} nm"
        )
    return steps * process.grid_nm
