"""The points of a sweep: every combination of a grid, rows of a list, draws from ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.tables import Table, checked, choice, number, whole

MOST_DRAWS = 1 << 16


def _any_list(value: Any) -> tuple[bool, str] | None:
    fine = value is None or (isinstance(value, tuple) and value)
    return None if fine else (True, "a list of values")


@dataclass(frozen=True, kw_only=True)
class Range(Table):
    """Where one name is drawn: from ``low`` to ``high``, or among ``choices``."""

    low: float | None = number(None, none=True)
    high: float | None = number(None, none=True)
    """Both ends whole: whole numbers are drawn, both ends among them."""
    scale: str = choice("linear", ("linear", "log"))
    choices: tuple[Any, ...] | None = checked(None, _any_list)

    def problems_together(self) -> list[str]:
        """Sentences on fields that do not fit together."""
        if (self.choices is None) == (self.low is None or self.high is None):
            return ["give low and high, or choices"]
        if self.low is None or self.high is None:
            return []
        if not self.low < self.high:
            return [f"low is {self.low:g}, but must be below high ({self.high:g})"]
        if self.scale == "log" and self.low <= 0:
            return [f'low is {self.low:g}, but must be above 0 with scale "log"']
        return []

    def at(self, part: float) -> Any:
        """The value at ``part``, 0..1, of the range."""
        if self.choices is not None:
            return self.choices[min(int(part * len(self.choices)), len(self.choices) - 1)]
        assert self.low is not None
        assert self.high is not None
        whole_numbers = isinstance(self.low, int) and isinstance(self.high, int)
        low, high = float(self.low), float(self.high) + whole_numbers
        value = low * (high / low) ** part if self.scale == "log" else low + part * (high - low)
        return min(math.floor(value), int(self.high)) if whole_numbers else value


@dataclass(frozen=True, kw_only=True)
class Draws(Table):
    """[draws]: how many points are drawn, and how."""

    count: int = whole(low=1, high=MOST_DRAWS)
    method: str = choice("sobol", ("sobol", "random"))
    """"sobol": a scrambled Sobol sequence, which fills the ranges evenly (``scipy.stats.qmc``)."""
    seed: int = whole(0, low=0)


def drawn(how: Draws, ranges: Mapping[str, Range]) -> list[dict[str, Any]]:
    """The drawn values of each point; the same for the same seed. Without ranges: one, empty."""
    if not ranges:
        return [{}]
    return [
        {name: own.at(float(part)) for (name, own), part in zip(ranges.items(), row, strict=True)}
        for row in _places(how, len(ranges))
    ]


def _places(how: Draws, dimensions: int) -> NDArray[np.float64]:
    """Points in the unit cube: (count, dimensions)."""
    rng = np.random.default_rng(how.seed)
    if how.method == "random":
        return rng.random((how.count, dimensions))
    from scipy.stats.qmc import Sobol

    # A power of two of them fills the cube evenly; the first ones of it do so nearly.
    sequence = Sobol(dimensions, rng=rng).random_base2((how.count - 1).bit_length())
    return np.asarray(sequence[: how.count])


def grid_of(lists: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values; the last name varies fastest."""
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def rows_of(lists: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The first values together, then the second ones, and so on.

    Raises
    ------
    ValueError
        Lists of different lengths.
    """
    if not lists:
        return [{}]
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"[list] has lists of different lengths: {listed}")
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
