"""Tables of two axes, evaluated many at a time: delays, transitions and constraints."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class TableStack:
    """Collects tables of any size; ``at`` evaluates one of them for each of many points."""

    def __init__(self) -> None:
        self._tables: list[tuple[Floats, Floats, Floats]] = []
        self._stacked = 0

    def add(self, x: Floats, y: Floats, values: Floats) -> int:
        """Take a table with ``values[place of x, place of y]``; return its number."""
        if len(x) == 1:
            x, values = np.array([x[0], x[0] + 1]), np.repeat(values, 2, axis=0)
        if len(y) == 1:
            y, values = np.array([y[0], y[0] + 1]), np.repeat(values, 2, axis=1)
        self._tables.append((x, y, values))
        return len(self._tables) - 1

    def at(self, table: Ints, x: Floats, y: Floats) -> Floats:
        """Values of tables at points: bilinear, and on beyond the ends, as OpenSTA does."""
        if self._stacked != len(self._tables):
            self._stack()
        left = (self._x[table, 1:-1] <= x[:, None]).sum(axis=1)
        below = (self._y[table, 1:-1] <= y[:, None]).sum(axis=1)
        left, below = np.minimum(left, self._last_x[table]), np.minimum(below, self._last_y[table])
        x0, x1 = self._x[table, left], self._x[table, left + 1]
        y0, y1 = self._y[table, below], self._y[table, below + 1]
        along, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        v = self._v
        low = v[table, left, below] * (1 - up) + v[table, left, below + 1] * up
        high = v[table, left + 1, below] * (1 - up) + v[table, left + 1, below + 1] * up
        result: Floats = low * (1 - along) + high * along
        return result

    def _stack(self) -> None:
        count = len(self._tables)
        most_x = max(3, *(len(x) for x, _, _ in self._tables))
        most_y = max(3, *(len(y) for _, y, _ in self._tables))
        self._x, self._y = np.full((count, most_x), np.inf), np.full((count, most_y), np.inf)
        self._v = np.zeros((count, most_x, most_y))
        for place, (x, y, values) in enumerate(self._tables):
            self._x[place, : len(x)], self._y[place, : len(y)] = x, y
            self._v[place, : len(x), : len(y)] = values
        self._last_x = np.array([len(x) - 2 for x, _, _ in self._tables])
        self._last_y = np.array([len(y) - 2 for _, y, _ in self._tables])
        self._stacked = count
