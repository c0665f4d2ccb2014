"""Places of ports' bits on the core's edge: near what they join, each on a track of its own."""

from gaincell.layout.digital.clock_tree import middle
from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.steiner import Point
from gaincell.synth.netlist import Netlist

PITCH_UM = 0.34
"""Least distance of two bits along the edge, on which two layers of metal end. Less if they are too
many."""


def port_places(netlist: Netlist, places: Places, core: Core) -> Places:
    """A place on the edge for each bit of a port that joins a cell."""
    near: dict[str, list[Point]] = {net: [] for port in netlist.ports for net in port.nets}
    for instance in netlist.instances:
        for net in instance.pins.values():
            if net in near:
                near[net].append(places[instance.name])
    wish = {net: _along(middle(points), core) for net, points in near.items() if points}
    order = sorted(wish, key=lambda net: (wish[net], net))
    rim = 2 * (core.width_um + core.height_um)
    found = _apart([wish[net] for net in order], min(PITCH_UM, rim / max(1, len(order))), rim)
    return {net: _point(at, core) for net, at in zip(order, found, strict=True)}


def _along(point: Point, core: Core) -> float:
    """The nearest place of the edge, as the way there along the edge from the lower left corner."""
    x, y = point
    width, height = core.width_um, core.height_um
    sides = (
        (y, x),
        (width - x, width + y),
        (height - y, width + height + (width - x)),
        (x, 2 * width + height + (height - y)),
    )
    return min(sides)[1]


def _point(way: float, core: Core) -> Point:
    width, height = core.width_um, core.height_um
    if way <= width:
        return max(0.0, way), 0.0
    if way <= width + height:
        return width, way - width
    if way <= 2 * width + height:
        return max(0.0, 2 * width + height - way), height
    return 0.0, max(0.0, 2 * (width + height) - way)


def _apart(wish: list[float], pitch: float, rim: float) -> list[float]:
    """Ways in their order, at least ``pitch`` apart, with the least sum of squared changes."""
    groups: list[list[float]] = []  # sum of where each wants the first of the group, and count
    for number, way in enumerate(wish):
        groups.append([way - number * pitch, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] >= groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    found: list[float] = []
    most = rim - len(wish) * pitch
    for total, count in groups:
        start = min(max(0.0, total / count), most)
        found += [start + (len(found) + at) * pitch for at in range(int(count))]
    return found
