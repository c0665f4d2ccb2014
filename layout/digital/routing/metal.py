"""The metal of routes: wires, vias, pads, and what fills gaps that are too narrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gaincell.layout.digital.routing.grid import (
    CONTACT,
    FIRST_X,
    HALF,
    METAL,
    SPACE,
    VIAS,
    Box,
    Grid,
    Via,
)
from gaincell.layout.digital.routing.negotiate import Route
from gaincell.layout.klayout import db

CUTS: Mapping[str, Via] = {via.name: via for via in (CONTACT, *VIAS)}
BELOW = {"mcon": "li1", "via": "met1", "via2": "met2", "via3": "met3"}
"""Metal below each cut."""
ABOVE = {"mcon": "met1", "via": "met2", "via2": "met3", "via3": "met4"}


@dataclass
class NetMetal:
    """The metal of a net, nm.

    segments : metal and the middle of both ends of each piece of wire
    vias : cut and its middle
    boxes : metal and edges of what is drawn besides
    port : of a port, metal and box at the edge
    """

    segments: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    vias: list[tuple[str, int, int]] = field(default_factory=list)
    boxes: list[tuple[str, Box]] = field(default_factory=list)
    port: tuple[str, Box] | None = None

    def shapes(self) -> Iterator[tuple[str, Box]]:
        """Layer and edges of all that is drawn, cuts included."""
        for metal, x0, y0, x1, y1 in self.segments:
            half = HALF[METAL.index(metal)]
            yield metal, (x0 - half, y0 - half, x1 + half, y1 + half)
        for cut, x, y in self.vias:
            via = CUTS[cut]
            yield cut, _around(x, y, via.cut, via.cut)
            yield BELOW[cut], _around(x, y, *via.below)
            yield ABOVE[cut], _around(x, y, *via.above)
        yield from self.boxes

    def length_nm(self, metal: str) -> int:
        return sum(x1 - x0 + y1 - y0 for name, x0, y0, x1, y1 in self.segments if name == metal)


def draw_route(grid: Grid, route: Route, width: int, height: int) -> NetMetal:
    """What is drawn for a route in a core of that size, nm."""
    metal = NetMetal()
    runs: dict[tuple[int, int], set[int]] = {}
    steps = [(point, before) for point, before in route.before.items() if point != before]
    for access in route.accesses.values():
        steps += zip(access.stub, access.stub[1:], strict=False)
    for one, two in steps:
        low, high = min(one, two), max(one, two)
        if high - low >= grid.plane:
            metal.vias.append((VIAS[grid.layer(low)].name, *grid.at(low)))
            continue
        layer, (x, y) = grid.layer(low), grid.at(low)
        key, start = ((layer, y), x) if layer % 2 == 0 else ((layer, x), y)
        end = sum(grid.at(high)) - sum(grid.at(low)) + start
        runs.setdefault(key, set()).add(start)
        runs[key].add(-end)
    for (layer, across), ends in sorted(runs.items()):
        # A piece begins where none ends: starts are positive, ends negative.
        starts = sorted(at for at in ends if at > 0 and -at not in ends)
        stops = sorted(-at for at in ends if at < 0 and -at not in ends)
        for start, stop in zip(starts, stops, strict=True):
            if layer % 2 == 0:
                metal.segments.append((METAL[layer], start, across, stop, across))
            else:
                metal.segments.append((METAL[layer], across, start, across, stop))
    for access in route.accesses.values():
        x, y = grid.at(access.point)
        if access.via:
            metal.vias.append((VIAS[0].name, x, y))
        if access.contact_x is not None:
            metal.vias.append((CONTACT.name, access.contact_x, y))
            half = VIAS[0].below[1]
            left, right = sorted((x, access.contact_x))
            metal.boxes.append(("met1", _around(x, y, *VIAS[0].below)))
            if right - left > VIAS[0].below[0] - CONTACT.above[0]:
                metal.boxes.append(("met1", (left, y - half, right, y + half)))
        if access.stub:
            metal.port = _to_edge(grid, access.stub, width, height)
            metal.boxes.append(metal.port)
    metal.boxes += _fillings(metal)
    return metal


def _to_edge(grid: Grid, stub: tuple[int, ...], width: int, height: int) -> tuple[str, Box]:
    layer = grid.layer(stub[0])
    half = HALF[layer]
    (x0, y0), (x1, y1) = grid.at(stub[0]), grid.at(stub[-1])
    left, right = min(x0, x1) - half, max(x0, x1) + half
    low, high = min(y0, y1) - half, max(y0, y1) + half
    if layer % 2 == 0:
        left, right = (0, right) if x0 <= FIRST_X else (left, width)
    else:
        low, high = (0, high) if y0 < y1 else (low, height)
    return METAL[layer], (left, low, right, high)


def _fillings(metal: NetMetal) -> Iterator[tuple[str, Box]]:
    """What closes the gaps inside a net that are no wider than the space to other metal."""
    kdb = db()
    drawn: dict[str, list[Box]] = {}
    for layer, box in metal.shapes():
        drawn.setdefault(layer, []).append(box)
    for name, space in zip(METAL, SPACE, strict=True):
        if len(drawn.get(name, ())) < 2:
            continue
        region = kdb.Region([kdb.Box(*box) for box in drawn[name]]).merged()
        narrow = region.sized(space // 2).sized(-space // 2) - region
        for part in narrow.decompose_trapezoids_to_region().each():
            box = part.bbox()
            yield name, (box.left, box.bottom, box.right, box.top)


def _around(x: int, y: int, dx: int, dy: int) -> Box:
    return x - dx, y - dy, x + dx, y + dy
