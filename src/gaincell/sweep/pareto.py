"""The Pareto front: points that no other point beats in everything."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gaincell.sweep.metrics import METRICS
from gaincell.sweep.run import Row


def front(rows: Sequence[Row], metrics: Sequence[str]) -> list[bool]:
    """Whether each row is on the front of ``metrics``; a row that lacks one of them is not.

    A row is on it if no other one is as good in all metrics and better in one.
    """
    costs = np.full((len(rows), len(metrics)), np.inf)
    for place, name in enumerate(metrics):
        sign = -1.0 if METRICS[name].more_is_better else 1.0
        for number, row in enumerate(rows):
            value = row.metrics[name]
            costs[number, place] = np.inf if value is None else sign * value
    whole = np.isfinite(costs).all(axis=1)
    return [bool(whole[number]) and not _beaten(costs, number) for number in range(len(rows))]


def _beaten(costs: NDArray[np.float64], number: int) -> bool:
    own = costs[number]
    return bool(((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any())
