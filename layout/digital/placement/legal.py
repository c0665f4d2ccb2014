"""Legal places: each cell in a row, on a site, beside its neighbours (Abacus, Spindler 2008)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gaincell.layout.digital.placement.core import Core, Places


class Full(ValueError):
    """The cells do not fit into the core."""


@dataclass
class _Cluster:
    """Cells that touch: where their common wish puts the first, their sites and number."""

    wish: float
    sites: int
    cells: list[tuple[str, int]]

    def start(self, most: int) -> float:
        return min(max(0.0, self.wish), most - self.sites)

    def joined(self, after: "_Cluster") -> "_Cluster":
        ours, theirs = len(self.cells), len(after.cells)
        wish = (self.wish * ours + (after.wish - self.sites) * theirs) / (ours + theirs)
        return _Cluster(wish, self.sites + after.sites, self.cells + after.cells)


@dataclass
class _Row:
    used: int = 0
    clusters: list[_Cluster] = field(default_factory=list)

    def tried(self, goal: float, sites: int, most: int) -> float:
        """Where a cell would come to lie at the end of the row."""
        start, wide, count, wish = goal, sites, 1, goal
        for old in reversed(self.clusters):
            if old.start(most) + old.sites <= start:
                break
            ours = len(old.cells)
            wish = (old.wish * ours + (wish - old.sites) * count) / (ours + count)
            wide, count = wide + old.sites, count + ours
            start = min(max(0.0, wish), most - wide)
        return start + wide - sites

    def take(self, name: str, goal: float, sites: int, most: int) -> None:
        """Put a cell at the end of the row."""
        self.used += sites
        last = _Cluster(goal, sites, [(name, sites)])
        while self.clusters:
            old = self.clusters[-1]
            if old.start(most) + old.sites <= last.start(most):
                break
            last = self.clusters.pop().joined(last)
        self.clusters.append(last)


def legalise(wanted: Places, width_um: Mapping[str, float], core: Core) -> Places:
    """Places in rows, as near to the wanted ones as the cells to the left of each allow.

    Raises
    ------
    Full
        The cells do not fit.
    """
    rows = [_Row() for _ in range(core.rows)]
    most = core.sites
    for name in sorted(wanted, key=lambda each: (wanted[each][0], each)):
        x, y = wanted[name]
        sites = round(width_um[name] / core.site_um)
        goal = min(max(0.0, x / core.site_um), float(most - sites))
        middle = min(max(0, round(y / core.row_um)), core.rows - 1)
        best: tuple[float, int] | None = None
        for away in range(core.rows):
            if best is not None and (away - 1) * core.row_um > best[0]:
                break
            for row in {middle - away, middle + away}:
                if 0 <= row < core.rows and rows[row].used + sites <= most:
                    at = rows[row].tried(goal, sites, most)
                    cost = abs(at - goal) * core.site_um + abs(row * core.row_um - y)
                    if best is None or cost < best[0]:
                        best = (cost, row)
        if best is None:
            raise Full(f"the cells do not fit into {core.rows} rows of {most} sites")
        rows[best[1]].take(name, goal, sites, most)
    found = {}
    for number, filled in enumerate(rows):
        end = 0
        for cluster in filled.clusters:
            at = max(end, round(cluster.start(most)))
            at = min(at, most - cluster.sites)
            for name, sites in cluster.cells:
                found[name] = (at * core.site_um, number * core.row_um)
                at += sites
            end = at
    return found
