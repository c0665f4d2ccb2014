"""Parts ``score`` and ``output`` of a record: converters, and columns with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.fit import Polynomial
from gaincell.spice.measure.check import Check
from gaincell.spice.measure.converter_spread import converter_spread
from gaincell.spice.measure.converters import Transfer
from gaincell.spice.record.plain import FC, listed


def full_pulse_c(design: Design, response: Polynomial, *, signed: bool) -> float:
    """About the charge of a full pulse, by the design's ramp or else by its cells."""
    ramp_a = design.sizes.get("i_ramp")
    cells_c = response.full_scale * design.levels.columns / 8
    full_c = cells_c if ramp_a is None else ramp_a * design.levels.full_pulse_s
    return full_c / 2 if signed else full_c


def transfer_of(stage: Transfer) -> dict[str, Any]:
    """Points, lines and delays of a converter."""
    lines = {"positive": stage.positive, "negative": stage.negative}
    full = stage.full_s
    return {
        "charge_fc": listed(stage.charge_c * FC),
        "pulse_s": listed(stage.pulse_s),
        "full_s": full,
        "delay_s": [stage.gates.lifted_s, stage.gates.lowered_s],
        "lines": {
            name: line
            and {
                "slope_s_per_fc": line.slope / FC,
                "offset_s": line.offset,
                "residual": line.residual / full,
            }
            for name, line in lines.items()
        },
    }


def checked(tested: Check, stage: Transfer) -> dict[str, Any]:
    """Random columns; errors are fractions of a full pulse."""
    return {
        "charge_fc": listed(tested.charge_c * FC),
        "predicted_s": listed(tested.predicted_s),
        "simulated_s": listed(tested.simulated_s),
        "largest_error": float(np.max(np.abs(tested.error_s))) / stage.full_s,
        "mean_error": float(np.mean(np.abs(tested.error_s))) / stage.full_s,
    }


def spread_of(
    design: Design, stage: Transfer, *, signed: bool, converters: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Converters that differ; offsets are fractions of the charge of a full pulse."""
    seen = converter_spread(design, stage, signed=signed, converters=converters, rng=rng)
    levels = design.levels
    return {
        "converters": converters,
        "source": levels.mismatch_corner or f"assumed: {levels.a_vt_mv_um:g} mV um",
        "charge_fc": listed(seen.charge_c * FC),
        "pulse_s": [listed(row) for row in seen.pulse_s],
        "offset_sigma": float(seen.offset.std(ddof=1)),
        "gain_sigma": float(seen.gain.std(ddof=1)),
    }


def energy(design: Design, tested: Check, stage: Transfer) -> dict[str, float]:
    """Mean energies of one column and token, J; ``replica_j`` of converters without cells."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(each, name) for each in tested.columns]))

    return {
        "activity": tested.activity,
        "cells_j": mean("cells_j"),
        "reset_j": mean("reset_j"),
        "integrate_j": mean("integrate_j"),
        "convert_j": mean("convert_j"),
        "middle_j": float(np.mean([abs(each.middle_c) for each in tested.columns]))
        * design.levels.logic_v,
        "bias_j": mean("bias_j"),
        "control_j": mean("control_j"),
        "replica_j": stage.replica_j,
    }


def example(tested: Check) -> dict[str, Any]:
    """Waves of the column in the middle, for the picture: 400 points."""
    chosen = tested.columns[2 * len(tested.columns) // 3]
    times = chosen.times
    grid = np.linspace(times.reset_s - 1e-9, times.stop_s, 400)
    names = ("bl", "pulse", "sign")
    waves = {
        name: np.interp(grid, chosen.waves["time"], chosen.waves[f"v({name})"]) for name in names
    }
    begin = times.read_s
    return {
        "time_s": listed(grid - begin),
        **{f"{name}_v": [round(float(v), 4) for v in wave] for name, wave in waves.items()},
    }
