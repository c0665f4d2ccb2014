"""Detailed placement: cells move to gaps, or change places, where that shortens weighted nets."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping

from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.technology import Technology
from gaincell.synth.netlist import CONSTANTS, Netlist

ROWS_AWAY = 3
"""Rows on either side of a cell's best one in which places are tried."""
NEAR = 4
"""Gaps and cells on either side of its best x that are tried there."""
LEAST_GAIN_UM = 0.05

Box = tuple[float, float, float, float]
"""Least and most x, least and most y."""
Gap = tuple[int, int]
"""First free site, and the one after the last."""
Pull = tuple[float, list[float], Box]
"""Weight of a net, its pins' x in a cell, and the box of its other pins."""
NOWHERE: Box = (float("inf"), float("-inf"), float("inf"), float("-inf"))


class Refiner:
    """A legal placement that can be made shorter.

    Parameters
    ----------
    places : Places
        Legal places, um.
    ports : Places
        Places of ports' bits, which stay.
    weights : Mapping of str to float
        How much a micrometre of a net counts; 1 where it has none.
    """

    def __init__(
        self,
        netlist: Netlist,
        technology: Technology,
        core: Core,
        places: Places,
        ports: Places,
        weights: Mapping[str, float],
    ) -> None:
        self._core, self._weight = core, weights
        self._sites: dict[str, int] = {}
        self._at: dict[str, tuple[int, int]] = {}
        self._x: dict[str, float] = {}
        self._y: dict[str, float] = {}
        self._pins: dict[str, dict[str, list[float]]] = {}
        self._nets: dict[str, list[tuple[str, float]]] = defaultdict(list)
        self._fixed: dict[str, Box] = {net: (x, x, y, y) for net, (x, y) in ports.items()}
        self._rows: list[list[tuple[int, str]]] = [[] for _ in range(core.rows)]
        for instance in netlist.instances:
            name, body = instance.name, technology.cell(instance.cell)
            x, y = places[name]
            self._sites[name] = round(body.width_um / core.site_um)
            self._put(name, round(x / core.site_um), round(y / core.row_um))
            own: dict[str, list[float]] = defaultdict(list)
            for pin, net in instance.pins.items():
                if net not in CONSTANTS.values():
                    own[net].append(body.pins[pin][0])
                    self._nets[net].append((name, body.pins[pin][0]))
            self._pins[name] = own

    @property
    def places(self) -> Places:
        """Where the cells are, um."""
        core = self._core
        return {
            name: (at * core.site_um, row * core.row_um) for name, (at, row) in self._at.items()
        }

    def cost_um(self) -> float:
        """Half the rims of the boxes around all nets, with their weights."""
        return sum(
            self._weight.get(net, 1.0) * (box[1] - box[0] + box[3] - box[2])
            for net in self._nets
            if (box := self._box(net, ""))[0] <= box[1]
        )

    def improve(self) -> float:
        """Give every cell the chance of a better place once; return what that gained, um."""
        return sum(self._better(name) for name in list(self._at))

    def _better(self, name: str) -> float:
        core, sites = self._core, self._sites[name]
        pulls = self._pulls(name)
        if not pulls:
            return 0.0
        start, row = self._at[name]
        now = self._cost(pulls, start, row)
        goal_um = _median([(w, at - dxs[0]) for w, dxs, box in pulls for at in box[:2]])
        level_um = _median([(w, at) for w, _, box in pulls for at in box[2:]])
        goal = min(max(0, round(goal_um / core.site_um)), core.sites - sites)
        middle = min(max(0, round(level_um / core.row_um - 0.5)), core.rows - 1)
        best = now - LEAST_GAIN_UM
        if self._cost(pulls, goal, middle) > best:
            return 0.0
        self._take_out(name)
        hole = self._gap(row, start)
        where, swapped = (start, row), ""
        for other in range(max(0, middle - ROWS_AWAY), min(core.rows, middle + ROWS_AWAY + 1)):
            for first, after in self._gaps(other, goal):
                if after - first >= sites:
                    at = min(max(first, goal), after - sites)
                    if (found := self._cost(pulls, at, other)) < best:
                        best, where, swapped = found, (at, other), ""
            for there in self._near(other, goal):
                own = self._cost(pulls, self._at[there][0], other)
                if own < best and (room := self._room(name, there, (row, hole))) is not None:
                    at = min(max(room[0], goal), room[1] - sites)
                    found = self._cost(pulls, at, other) + self._change(there, (row, hole))
                    if found < best:
                        best, where, swapped = found, (at, other), there
        if swapped:
            self._take_out(swapped)
            self._put(swapped, self._into(swapped, hole), row)
        self._put(name, *where)
        return now - best if where != (start, row) else 0.0

    def _pulls(self, name: str) -> list[Pull]:
        """The nets of a cell that join it to something else."""
        found = (
            (self._weight.get(net, 1.0), dxs, self._box(net, name))
            for net, dxs in self._pins[name].items()
        )
        return [each for each in found if each[2][0] <= each[2][1]]

    def _box(self, net: str, without: str) -> Box:
        """The box of a net's pins, but those of one instance."""
        low, high, down, up = self._fixed.get(net, NOWHERE)
        for name, dx in self._nets[net]:
            if name != without:
                x, y = self._x[name] + dx, self._y[name]
                if x < low:
                    low = x
                if x > high:
                    high = x
                if y < down:
                    down = y
                if y > up:
                    up = y
        return low, high, down, up

    def _cost(self, pulls: list[Pull], site: int, row: int) -> float:
        """Weighted half rims of a cell's nets with the cell at a place."""
        x, y = site * self._core.site_um, (row + 0.5) * self._core.row_um
        total = 0.0
        for weight, dxs, (low, high, down, up) in pulls:
            for dx in dxs:
                at = x + dx
                if at < low:
                    low = at
                if at > high:
                    high = at
            total += weight * (high - low + (up if up > y else y) - (down if down < y else y))
        return total

    def _room(self, name: str, there: str, old: tuple[int, Gap]) -> Gap | None:
        """The gap that ``there`` leaves if it goes to ``old``, row and gap; None: no way."""
        row, hole = old
        start, other = self._at[there]
        if self._sites[there] > hole[1] - hole[0]:
            return None
        if not self._pins[there].keys().isdisjoint(self._pins[name]):
            return None  # the two costs would not add up
        cells = self._rows[other]
        at = bisect_left(cells, (start, there))
        first = cells[at - 1][0] + self._sites[cells[at - 1][1]] if at else 0
        after = cells[at + 1][0] if at + 1 < len(cells) else self._core.sites
        beside = other == row and first <= hole[1] and hole[0] <= after
        return None if beside or after - first < self._sites[name] else (first, after)

    def _change(self, there: str, old: tuple[int, Gap]) -> float:
        """What it costs that ``there`` goes to ``old``, row and gap."""
        row, hole = old
        pulls = self._pulls(there)
        return self._cost(pulls, self._into(there, hole), row) - self._cost(pulls, *self._at[there])

    def _into(self, name: str, gap: Gap) -> int:
        """Site for a cell in a gap: the nearest to where it is."""
        return min(max(gap[0], self._at[name][0]), gap[1] - self._sites[name])

    def _take_out(self, name: str) -> None:
        start, row = self._at[name]
        cells = self._rows[row]
        del cells[bisect_left(cells, (start, name))]

    def _put(self, name: str, site: int, row: int) -> None:
        self._at[name] = site, row
        self._x[name], self._y[name] = site * self._core.site_um, (row + 0.5) * self._core.row_um
        cells = self._rows[row]
        cells.insert(bisect_left(cells, (site, name)), (site, name))

    def _gap(self, row: int, site: int) -> Gap:
        """The gap that a free site lies in."""
        cells = self._rows[row]
        at = bisect_left(cells, (site, ""))
        first = cells[at - 1][0] + self._sites[cells[at - 1][1]] if at else 0
        return first, cells[at][0] if at < len(cells) else self._core.sites

    def _gaps(self, row: int, site: int) -> Iterator[Gap]:
        cells = self._rows[row]
        at = bisect_left(cells, (site, ""))
        for place in range(max(0, at - NEAR), min(len(cells), at + NEAR) + 1):
            first = cells[place - 1][0] + self._sites[cells[place - 1][1]] if place else 0
            after = cells[place][0] if place < len(cells) else self._core.sites
            if first < after:
                yield first, after

    def _near(self, row: int, site: int) -> list[str]:
        cells = self._rows[row]
        at = bisect_left(cells, (site, ""))
        return [name for _, name in cells[max(0, at - NEAR) : at + NEAR]]


def _median(values: list[tuple[float, float]]) -> float:
    """The weighted median of weights and values."""
    values = sorted(values, key=lambda each: each[1])
    half = sum(weight for weight, _ in values) / 2
    for weight, value in values:
        half -= weight
        if half <= 0:
            return value
    return values[-1][1]
