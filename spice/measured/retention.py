"""Time in which measured cells lose half a step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gaincell.spice.fit import NoFit
from gaincell.spice.measured.csv_table import Rows
from gaincell.spice.measured.folder import MeasuredLevels
from gaincell.spice.waves import Floats

Trace = tuple[str, float, Floats, Floats]
"""Device, start (V), times (s), voltages (V)."""


def measured_retention(rows: Rows, levels: MeasuredLevels, reports: list[str]) -> dict[str, Any]:
    """Part ``retention`` of a record. What a trace lacks is a sentence in ``reports``.

    ``half_step_s`` is the shortest of the codes' times, each the mean over the devices, and
    ``half_step_error_s`` its standard error: of the devices' spread, and of the time between two
    points of a trace, between which the voltage is taken as straight.

    Raises
    ------
    NoFit
        No trace reaches half a step.
    """
    lost_v = levels.step_v / 2
    times: list[list[float]] = []
    errors: list[float | None] = []
    for code in range(levels.codes):
        volts = levels.lowest_v + levels.step_v * code
        by_device: dict[str, list[float]] = {}
        between: list[float] = []
        near = [each for each in _traces(rows) if abs(each[1] - volts) <= lost_v / 2]
        kept = 0
        for device, _, time_s, held_v in near:
            if (taken := _time_to(time_s, held_v, lost_v)) is None:
                kept += 1
            else:
                by_device.setdefault(device, []).append(taken[0])
                between.append(taken[1])
        if kept:
            reports.append(
                f"retention: {kept} of {len(near)} traces near code {code} ({volts:.4g} V) end "
                f"before they lose half a step, {lost_v:.3g} V"
            )
        means = [float(np.mean(each)) for each in by_device.values()]
        times.append(means)
        count = len(means)
        error = float(np.std(means, ddof=1)) / math.sqrt(count) if count > 1 else None
        grid = float(np.mean(between)) / math.sqrt(12) if between else 0.0
        errors.append(None if error is None else math.hypot(error, grid))
        if not near:
            reports.append(f"retention: no trace begins near code {code}, {volts:.4g} V")
    if not any(times):
        raise NoFit("no trace loses half a step")
    half_step = [float(np.mean(each)) if each else None for each in times]
    known = [code for code, each in enumerate(half_step) if each is not None]
    worst = min(known, key=lambda code: half_step[code] or math.inf)
    shortest = half_step[worst]
    assert shortest is not None
    shortest_error = errors[worst]
    tau = -1 / math.log(1 - 1 / (levels.codes - 1))
    return {
        "table": [
            {
                "temperature_c": levels.temperature_c,
                "row_v": None,
                "write_line_v": 0.0,
                "rest_v": None,
                "not_one_rest": None,
                "half_step_s": half_step,
                "error_s": errors,
            }
        ],
        "half_step_s": shortest,
        "half_step_error_s": shortest_error,
        # as of a simulated design: (1 - exp(-t / tau)) / 2 = half a step of codes - 1 steps
        "tau_s": shortest * tau,
        "tau_error_s": None if shortest_error is None else shortest_error * tau,
    }


def _traces(rows: Rows) -> list[Trace]:
    """Traces in the order of their times."""
    device, cycle = rows.labels["device"], rows.labels["cycle"]
    start = rows.columns["start"]
    names = sorted(set(zip(device.tolist(), cycle.tolist(), start.tolist(), strict=True)))
    found = []
    for one, two, volts in names:
        own = np.flatnonzero((device == one) & (cycle == two) & (start == volts))
        own = own[np.argsort(rows.columns["time"][own])]
        found.append((one, volts, rows.columns["time"][own], rows.columns["held"][own]))
    return found


def _time_to(time_s: Floats, held_v: Floats, lost_v: float) -> tuple[float, float] | None:
    """When a trace has first moved by ``lost_v`` from its first value; None: it has not.

    And the time between the two points around it.
    """
    moved = np.abs(held_v - held_v[0])
    beyond = np.flatnonzero(moved >= lost_v)
    if not len(beyond):
        return None
    at = int(beyond[0])
    share = (lost_v - moved[at - 1]) / (moved[at] - moved[at - 1])
    between_s = float(time_s[at] - time_s[at - 1])
    return float(time_s[at - 1]) + share * between_s, between_s
