"""Finds values that do not belong to their repetitions, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gaincell.spice.measured.csv_table import Rows
from gaincell.spice.waves import Floats
from gaincell.text import si

FARTHEST = 10.0
"""Robust deviations: 1.4826 times the median distance from the median."""
REPEATED = 3
"""Repetitions on one device from which on they are held against each other, else devices are."""
LEAST = 5
"""Values of one condition among which an outlier can be told."""


def without_outliers(
    rows: Rows, value: str, unit: tuple[str, float], conditions: Mapping[str, str]
) -> tuple[Rows, list[str]]:
    """Rows without outliers of column ``value``, and one sentence on each.

    Parameters
    ----------
    unit : of the values in sentences, and the factor to it
    conditions : columns whose values are alike in repetitions, and their units
    """
    kept = np.ones(len(rows), dtype=bool)
    said = []
    values, devices = rows.columns[value], rows.labels["device"]
    for condition, at in groups(rows, tuple(conditions)):
        if len(at) < LEAST:
            continue
        middle = np.full(len(at), np.median(values[at]))
        for device in set(devices[at].tolist()):
            own = devices[at] == device
            if np.count_nonzero(own) >= REPEATED:
                middle[own] = np.median(values[at][own])
        distance = np.abs(values[at] - middle)
        if not np.any(distance > 0):
            continue
        # a device's own median is one of its values
        deviation = 1.4826 * np.median(distance[distance > 0])
        for place in np.flatnonzero(distance > FARTHEST * deviation):
            row = at[place]
            kept[row] = False
            said.append(
                f"device {devices[row]}, cycle {rows.labels['cycle'][row]}, "
                f"{_named(conditions, condition)}: {value} {values[row] * unit[1]:.4g} {unit[0]} "
                f"is left out, the median is {middle[place] * unit[1]:.4g} {unit[0]}"
            )
    return rows.only(kept), said


def groups(
    rows: Rows, conditions: tuple[str, ...]
) -> list[tuple[tuple[float, ...], NDArray[np.int64]]]:
    """Rows of each condition, in ascending order."""
    table: Floats = np.stack([rows.columns[name] for name in conditions], axis=1)
    each, which = np.unique(table, axis=0, return_inverse=True)
    return [
        (tuple(float(value) for value in condition), np.flatnonzero(which.ravel() == place))
        for place, condition in enumerate(each)
    ]


def not_measured(rows: Rows, conditions: Mapping[str, str]) -> list[str]:
    """One sentence on each device that lacks conditions which others have."""
    devices = rows.labels["device"]
    known = groups(rows, tuple(conditions))
    said = []
    for device in sorted(set(devices.tolist())):
        lacking = [condition for condition, at in known if device not in devices[at]]
        if lacking:
            first = _named(conditions, lacking[0])
            said.append(f"device {device} has no values at {len(lacking)} conditions, as {first}")
    return said


def _named(conditions: Mapping[str, str], values: tuple[float, ...]) -> str:
    pairs = zip(conditions.items(), values, strict=True)
    return ", ".join(f"{name} {si(value, unit)}" for (name, unit), value in pairs)
