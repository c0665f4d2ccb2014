"""Routes of all nets: they share points at first, and give way as sharing becomes dear.

L. McMurchie, C. Ebeling: PathFinder, FPGA 1995.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gaincell.layout.digital.routing.grid import PITCH_X, PITCH_Y, Grid
from gaincell.layout.digital.routing.search import Window, cheapest

FIRST_SHARE, SHARE_GROWTH, MOST_SHARE = 400.0, 1.4, 2000.0
"""What another net at a point costs, as nm of wire: at first, how it grows, and at most."""
MEMORY = 1000.0
"""What a point costs more for good each time it ends up shared."""
MARGIN, MARGIN_GROWTH = 8, 2
"""Tracks around the pins of a net that its wires may use, and how many more each round."""
ROUNDS = 150


@dataclass(frozen=True)
class Access:
    """A way to reach a pin: the point where wires begin, and all points and gaps it claims.

    contact_x : of a cell's pin, where the contact to its own metal lies, nm
    via : a via leads down to the cell's met1
    stub : of a port, its points from the edge
    """

    point: int
    claims: tuple[int, ...]
    contact_x: int | None = None
    via: bool = False
    stub: tuple[int, ...] = ()


@dataclass
class Route:
    """Wires of a net: of each point the one before it, towards the driver, which has itself.

    accesses : of each pin, in their order
    """

    before: dict[int, int] = field(default_factory=dict)
    accesses: dict[int, Access] = field(default_factory=dict)

    def claims(self, grid: Grid) -> set[int]:
        found = set(self.before)
        for point, before in self.before.items():
            if point != before:
                found.update(grid.step(point, before))
        for access in self.accesses.values():
            found.update(access.claims)
        return found


class Negotiation:
    """Routes of ``nets``: of each its pins, the driver first, with the accesses of each."""

    def __init__(self, grid: Grid, nets: Mapping[str, Sequence[Sequence[Access]]]) -> None:
        self.grid, self.nets = grid, nets
        self.routes: dict[str, Route] = {}
        self._claims: dict[str, set[int]] = {}
        self._users = [0] * (2 * grid.count)
        self._memory: dict[int, float] = {}
        self._price = [0.0] * (2 * grid.count)
        self.rounds = 0

    def run(self, say: Callable[[str], None] = lambda text: None) -> set[str]:
        """Route until no two nets share anything; returns the nets that were given up for that."""
        share, margin = FIRST_SHARE, MARGIN
        lost = {net for net, pins in self.nets.items() if not all(pins)}
        order = sorted(self.nets.keys() - lost, key=lambda net: (self._size(net), net))
        for self.rounds in range(1, ROUNDS + 1):
            for net in order:
                self._rip(net, share)
                found = self._route(net, margin)
                if found is None:
                    lost.add(net)
                    continue
                self.routes[net] = found
                self._claim(net, share)
            shared = self._shared()
            order = [net for net in self.routes if not shared.isdisjoint(self._claims[net])]
            say(f"round {self.rounds}: {len(order)} nets share {len(shared)} points or gaps")
            if not order:
                break
            for at in shared:
                self._memory[at] = self._memory.get(at, 0.0) + MEMORY
            share = min(MOST_SHARE, share * SHARE_GROWTH)
            margin += MARGIN_GROWTH
            self._reprice(share)
        return lost | self._give_up(share)

    def _shared(self) -> set[int]:
        """Points and gaps that several nets claim."""
        return {at for at, users in enumerate(self._users) if users > 1}

    def _give_up(self, share: float) -> set[str]:
        """Remove nets, those first that share most, until the others share nothing."""
        shared = self._shared()
        owners: dict[int, set[str]] = {at: set() for at in shared}
        loads: dict[str, int] = {}
        for net in self.routes:
            common = shared & self._claims[net]
            for at in common:
                owners[at].add(net)
            if common:
                loads[net] = len(common)
        lost: set[str] = set()
        while any(loads.values()):
            worst = max(loads, key=lambda net: (loads[net], net))
            del loads[worst]
            for at in shared & self._claims[worst]:
                owners[at].remove(worst)
                if len(owners[at]) == 1:
                    loads[next(iter(owners[at]))] -= 1
            self._rip(worst, share)
            lost.add(worst)
        return lost

    def _size(self, net: str) -> int:
        left, right, low, high = self._window(net, 0)
        return (right - left) * PITCH_X + (high - low) * PITCH_Y

    def _reprice(self, share: float) -> None:
        memory = self._memory
        for at, users in enumerate(self._users):
            if users:
                self._price[at] = share * users
        for at, cost in memory.items():
            self._price[at] = cost + share * self._users[at]

    def _rip(self, net: str, share: float) -> None:
        self.routes.pop(net, None)
        for at in self._claims.pop(net, ()):
            self._users[at] -= 1
            self._price[at] -= share

    def _claim(self, net: str, share: float) -> None:
        claims = self._claims[net] = self.routes[net].claims(self.grid)
        for at in claims:
            self._users[at] += 1
            self._price[at] += share

    def _window(self, net: str, margin: int) -> Window:
        grid = self.grid
        places = [a.point % grid.plane for pin in self.nets[net] for a in pin]
        columns, lines = [p % grid.nx for p in places], [p // grid.nx for p in places]
        return (
            max(1, min(columns) - margin),
            min(grid.nx - 2, max(columns) + margin),
            max(1, min(lines) - margin),
            min(grid.ny - 2, max(lines) + margin),
        )

    def _route(self, net: str, margin: int) -> Route | None:
        grid, price, pins = self.grid, self._price, self.nets[net]
        route = Route()
        middles = [grid.at(pin[len(pin) // 2].point) for pin in pins]
        window = self._window(net, margin)
        near = {at: _apart(middles[at], middles[0]) for at in range(1, len(pins))}
        known = {access.point: access for access in pins[0]}
        starts = {point: sum(price[at] for at in access.claims) for point, access in known.items()}
        while near:
            pin = min(near, key=lambda at: (near[at], at))
            del near[pin]
            goals = {
                access.point: sum(price[at] for at in access.claims) - price[access.point]
                for access in pins[pin]
            }
            way = cheapest(grid, price, starts, goals, window)
            if way is None:
                window = (1, grid.nx - 2, 1, grid.ny - 2)
                way = cheapest(grid, price, starts, goals, window)
            if way is None:
                return None
            if not route.before:
                route.accesses[0] = known[way[0]]
                route.before[way[0]] = way[0]
                starts = {way[0]: 0.0}
            for before, point in itertools.pairwise(way):
                route.before[point] = before
                starts[point] = 0.0
            route.accesses[pin] = next(a for a in pins[pin] if a.point == way[-1])
            for other in near:
                near[other] = min(near[other], _apart(middles[other], middles[pin]))
        return route


def _apart(one: tuple[int, int], two: tuple[int, int]) -> int:
    return abs(one[0] - two[0]) + abs(one[1] - two[1])
