"""Routed wires as trees, for timing and SPEF: corners, branches and pins."""

from dataclasses import replace

from gaincell.layout.digital.routing.grid import Grid
from gaincell.layout.digital.routing.negotiate import Route
from gaincell.layout.digital.steiner import Point, Tree
from gaincell.layout.digital.wires import NetWire


def routed_wire(grid: Grid, route: Route, wire: NetWire) -> NetWire:
    """A net with its routed wires for its estimated tree; pins lie where wires reach them."""
    reached = [route.accesses[at].point for at in range(len(wire.pins))]
    kept = _kept(grid, route, set(reached))
    numbers: dict[int, int] = {}
    points: list[Point] = []
    for point in [*reached, *sorted(kept - set(reached))]:
        numbers.setdefault(point, len(points))
        x, y = grid.at(point)
        points.append((x / 1000, y / 1000))
    parent = [0] * len(points)
    for at, point in enumerate(reached):
        parent[at] = numbers[point]  # a second pin at one point hangs on the first
    for point, number in numbers.items():
        if number:
            before = route.before[point]
            while before not in kept:
                before = route.before[before]
            parent[number] = numbers[before]
    pins = tuple(replace(pin, at=points[at]) for at, pin in enumerate(wire.pins))
    return NetWire(pins, Tree(tuple(points), tuple(parent)))


def _kept(grid: Grid, route: Route, pins: set[int]) -> set[int]:
    """Points at which a wire begins, ends, bends or branches."""
    after: dict[int, list[int]] = {}
    for point, before in route.before.items():
        if point != before:
            after.setdefault(before, []).append(point)
    kept = set(pins)
    for point, before in route.before.items():
        next_points = after.get(point, [])
        straight = len(next_points) == 1 and next_points[0] - point == point - before
        if point == before or not straight:
            kept.add(point)
    return kept
