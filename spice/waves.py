"""Measures waves: charges, energies, crossings and pulses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gaincell.spice.raw_file import Waves

Floats = NDArray[np.float64]


def at(waves: Waves, name: str, time_s: float) -> float:
    """Value of a wave at a time."""
    return float(np.interp(time_s, waves["time"], waves[name]))


def integral(waves: Waves, name: str, begin_s: float, end_s: float) -> float:
    """Integral of a wave over [begin_s, end_s]: of a current (A) its charge (C).

    Values at both ends are interpolated, so that the result does not depend on time steps there.
    """
    time = waves["time"]
    inside = (time > begin_s) & (time < end_s)
    points = np.concatenate([[begin_s], time[inside], [end_s]])
    return float(np.trapezoid(np.interp(points, time, waves[name]), points))


def delivered_j(
    waves: Waves, source: str, volts: str | float, begin_s: float, end_s: float
) -> float:
    """Energy (J) that a voltage source delivers; ``volts`` is its node, or its constant voltage."""
    time = waves["time"]
    voltage = waves[volts] if isinstance(volts, str) else volts
    power = {"time": time, "p": -voltage * waves[source]}
    return integral(power, "p", begin_s, end_s)


def crossings(waves: Waves, name: str, level: float) -> Floats:
    """Times (s) at which a wave crosses a level, either way."""
    time, above = waves["time"], waves[name] - level
    left = np.flatnonzero((above[:-1] < 0) != (above[1:] < 0))
    share = above[left] / (above[left] - above[left + 1])
    crossed: Floats = time[left] + share * (time[left + 1] - time[left])
    return crossed


def high_s(waves: Waves, name: str, level: float, begin_s: float, end_s: float) -> float:
    """Time (s) within [begin_s, end_s] during which a wave is above a level."""
    edges = crossings(waves, name, level)
    edges = np.concatenate([[begin_s], edges[(edges > begin_s) & (edges < end_s)], [end_s]])
    middles = (edges[:-1] + edges[1:]) / 2
    above = np.interp(middles, waves["time"], waves[name]) > level
    return float(np.diff(edges)[above].sum())
