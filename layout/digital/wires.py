"""Wires of a placement: a tree for each net, and the SPEF that timing tools read."""

from collections.abc import Mapping
from dataclasses import dataclass

from gaincell.layout.digital.placement.core import Places
from gaincell.layout.digital.steiner import Point, Tree, steiner_tree
from gaincell.layout.digital.technology import Technology
from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import CONSTANTS, Instance, Netlist
from gaincell.synth.sizing.timer import Wire

HEADER = """\
*SPEF "IEEE 1481-1998"
*DESIGN "{name}"
*DATE "none"
*VENDOR "gaincell"
*PROGRAM "gaincell layout"
*VERSION "1"
*DESIGN_FLOW "PLACEMENT"
*DIVIDER /
*DELIMITER :
*BUS_DELIMITER []
*T_UNIT 1 PS
*C_UNIT 1 FF
*R_UNIT 1 OHM
*L_UNIT 1 HENRY
"""


@dataclass(frozen=True)
class Pin:
    """A pin of a net: instance and pin, or port and ""."""

    owner: str
    name: str
    drives: bool
    at: Point

    @property
    def spef(self) -> str:
        return f"{self.owner}:{self.name}" if self.name else self.owner


@dataclass(frozen=True)
class NetWire:
    """A net's pins, the driver first, and its tree."""

    pins: tuple[Pin, ...]
    tree: Tree


def net_wires(
    netlist: Netlist, library: Library, technology: Technology, places: Places, ports: Places
) -> dict[str, NetWire]:
    """The wire of every net with a driver and a sink; ``ports`` are the places of ports' bits."""
    pins: dict[str, list[Pin]] = {}
    for instance in netlist.instances:
        x, y = places[instance.name]
        body = technology.cell(instance.cell)
        flipped = technology.flipped(y)
        cell = library.cells[instance.cell]
        for pin, net in instance.pins.items():
            dx, dy = body.pins[pin]
            dy = body.height_um - dy if flipped else dy
            drives = cell.pins[pin].direction == "output"
            pins.setdefault(net, []).append(Pin(instance.name, pin, drives, (x + dx, y + dy)))
    for port in netlist.ports:
        for net in port.nets:
            if net in ports:
                drives = port.direction == "input"
                pins.setdefault(net, []).append(Pin(net, "", drives, ports[net]))
    wires = {}
    for net, found in pins.items():
        if net in CONSTANTS.values():
            continue
        found.sort(key=lambda pin: (not pin.drives, pin.owner, pin.name))
        if len(found) > 1 and found[0].drives:
            wires[net] = NetWire(tuple(found), steiner_tree([pin.at for pin in found]))
    return wires


def timer_wires(wires: Mapping[str, NetWire], technology: Technology) -> dict[str, Wire]:
    """For the timer: capacitance, fF, and a usual sink's delay, ns, of each net."""
    farad, ohm = technology.f_per_um, technology.ohm_per_um
    found = {}
    for net, wire in wires.items():
        length = wire.tree.length_um
        sinks = len(wire.pins) - 1
        usual = max(wire.tree.lengths_um) if sinks == 1 else length / sinks**0.5
        delay = 0.5 * ohm * usual * farad * length * 1e9
        found[net] = Wire(length * farad * 1e15, delay)
    return found


def spef(name: str, wires: Mapping[str, NetWire], technology: Technology) -> str:
    """Resistances and capacitances of all nets; each piece of wire gives half to each end."""
    lines = [HEADER.format(name=name)]
    for net, wire in wires.items():
        tree = wire.tree
        names = [pin.spef for pin in wire.pins]
        names += [f"{net}:{at}" for at in range(len(names), len(tree.points))]
        load = [0.0] * len(tree.points)
        resistors = []
        for at, length in enumerate(tree.lengths_um):
            if at == 0:
                continue
            half = length * technology.f_per_um * 1e15 / 2
            load[at] += half
            load[tree.parent[at]] += half
            ohm = max(0.001, length * technology.ohm_per_um)
            resistors.append(f"{at} {names[tree.parent[at]]} {names[at]} {ohm:.3f}")
        lines.append(f"*D_NET {net} {sum(load):.4f}")
        lines.append("*CONN")
        for pin in wire.pins:
            way = ("O" if pin.drives else "I") if pin.name else ("I" if pin.drives else "O")
            lines.append(f"{'*I' if pin.name else '*P'} {pin.spef} {way}")
        lines.append("*CAP")
        lines += [f"{at + 1} {names[at]} {ff:.4f}" for at, ff in enumerate(load)]
        lines += ["*RES", *resistors, "*END", ""]
    return "\n".join(lines)


def widths(instances: Mapping[str, Instance], technology: Technology) -> dict[str, float]:
    """Width, um, of each instance."""
    return {name: technology.cell(each.cell).width_um for name, each in instances.items()}
