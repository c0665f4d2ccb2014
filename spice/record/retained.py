"""Part ``retention`` of a record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.fit import NoFit
from gaincell.spice.measure.retention import LONGEST_S, Leak, leak
from gaincell.spice.record.plain import listed

TEMPERATURES_C = (27.0, 85.0)


def leaks(design: Design) -> dict[tuple[float, float, float], Leak]:
    """By temperature, write bit line and write word line."""
    levels = design.levels
    rows = (levels.lowest_v, levels.full_scale_v)
    offs = (levels.write_off_v, levels.write_off_v + 0.1)
    return {
        (celsius, row, off): leak(design.at(temperature_c=celsius), row_v=row, write_line_v=off)
        for celsius in TEMPERATURES_C
        for row in rows
        for off in offs
    }


def retention(design: Design, leaks: dict[tuple[float, float, float], Leak]) -> dict[str, Any]:
    """Times to lose half a step, and the safe tau; of the design's own off level only."""
    levels = design.levels
    lost_v = levels.step_v / 2
    table, shortest = [], math.inf
    for (celsius, row, off), each in leaks.items():
        times = [each.time_to(levels.stored_v(code), lost_v) for code in range(levels.codes)]
        if off == levels.write_off_v:
            shortest = min(shortest, *times)
        try:
            rest_v, why = each.rest_v(), None
        except NoFit as error:
            rest_v, why = None, str(error)
        table.append(
            {
                "temperature_c": celsius,
                "row_v": row,
                "write_line_v": off,
                "rest_v": rest_v,
                "not_one_rest": why,
                "half_step_s": [None if t >= LONGEST_S else t for t in times],
            }
        )
    middle = next(iter(leaks.values()))
    half = levels.step_v / 2 / (levels.full_scale_v - levels.lowest_v)
    return {
        "table": table,
        "voltages_v": listed(middle.volts),
        "current_a": listed(middle.current_a),
        "capacitance_f": listed(middle.capacitance_f),
        "half_step_s": shortest,
        # (1 - exp(-t / tau)) / 2 = half a step, the contract's bound, at the shortest time
        "tau_s": -shortest / math.log(1 - 2 * half),
        "error_at_bound_v": _worst(design, leaks, shortest, half),
    }


def _worst(
    design: Design, leaks: dict[tuple[float, float, float], Leak], bound_s: float, half: float
) -> float:
    """Largest distance (V) at the bound between the table's decay and tau's towards the middle."""
    levels = design.levels
    worst = 0.0
    for (_, _, off), each in leaks.items():
        if off != levels.write_off_v:
            continue
        for code in range(levels.codes):
            start = volts = levels.stored_v(code)
            for _ in range(200):
                volts += bound_s / 200 * float(np.interp(volts, each.volts, each.slope))
            said = levels.middle_v + (start - levels.middle_v) * (1 - 2 * half)
            worst = max(worst, abs(volts - said))
    return worst
