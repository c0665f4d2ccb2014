"""Characterises a design: every simulation that it can have, and a record of all results."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gaincell.spice.derived import derived
from gaincell.spice.design import Design
from gaincell.spice.fit import NoFit, Polynomial, fit_line, fit_response
from gaincell.spice.measure.charges import Charges, charges
from gaincell.spice.measure.check import Check, check
from gaincell.spice.measure.column import OUTPUT, SCORE
from gaincell.spice.measure.converters import POINTS, Transfer, transfer
from gaincell.spice.measure.mismatch import spread
from gaincell.spice.measure.noise import frozen_noise_v, read_noise_c
from gaincell.spice.measure.retention import LONGEST_S, Leak, leak
from gaincell.spice.measure.writes import writes
from gaincell.spice.ngspice import NoResult, ngspice_version
from gaincell.versions import versions

FORMAT = 1
FC = 1e15
TEMPERATURES_C = (27.0, 85.0)
CORNERS = ("tt", "ss", "ff")


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is simulated.

    voltages : stored voltages of the response
    widths : pulse widths of the linearity, in clocks
    cells : cells of the Monte Carlo
    points : charges of a converter's transfer, fraction of a full pulse's
    columns : random columns of each stage
    corners : whether other corners are simulated
    """

    voltages: int = 17
    widths: tuple[int, ...] = (1, 2, 4, 8, 12, 15)
    cells: int = 24
    points: tuple[float, ...] = POINTS
    columns: int = 30
    corners: bool = True


SHORT = Effort(
    voltages=9, widths=(1, 8, 15), cells=4, points=(0.05, 0.3, 0.8), columns=2, corners=False
)


def characterise(
    design: Design,
    effort: Effort,
    seed: int,
    say: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """The record of a design, as docs/do/characterise.md describes it; plain JSON.

    What cannot be measured or does not fit is no number but a sentence in ``reports``; the cell's
    response and its retention are needed, and without them there is no record.

    Raises
    ------
    NoResult, NoFit
        The response of the cell cannot be simulated, or does not fit a polynomial.
    ValueError
        Models are missing.
    """
    begin = time.monotonic()
    rng = np.random.default_rng(seed)
    reports: list[str] = []

    def step(name: str, measure: Callable[[], Any]) -> Any:
        say(f"{name} ...")
        try:
            return measure()
        except (NoResult, NoFit) as error:
            reports.append(f"{name}: {error}")
            return None

    levels = design.levels
    say("response ...")
    response, cell = _response(design, effort)
    leaks = step("retention", lambda: _leaks(design))
    record: dict[str, Any] = {
        "format": FORMAT,
        "design": _origin(design),
        "levels": {name: getattr(levels, name) for name in levels.__dataclass_fields__},
        "sizes": dict(design.sizes),
        "cell": cell,
        "retention": leaks and _retention(design, leaks),
        "write": step("writes", lambda: _writes(design)),
        "noise": step("noise", lambda: _noise(design, leaks)),
        "mismatch": step("mismatch", lambda: _mismatch(design, effort, rng)),
        "corners": step("corners", lambda: _corners(design)) if effort.corners else None,
        "score": None,
        "output": None,
    }
    for name, kind, signed in (("score", SCORE, False), ("output", OUTPUT, True)):
        if not design.netlist.has(kind):
            reports.append(f"{name} converter: the netlist has no {kind}")
            continue
        begin_c = _full_pulse_c(design, response, signed=signed)
        measure = partial(transfer, design, signed=signed, guess_c=begin_c, points=effort.points)
        if (stage := step(f"{name} converter", measure)) is None:
            continue
        test = partial(
            check, design, response, stage, signed=signed, columns=effort.columns, rng=rng
        )
        tested = step(f"{name} columns", test)
        record[name] = {
            **_transfer(stage),
            "columns": tested and _checked(tested, stage),
            "energy": tested and _energy(design, tested),
            "example": tested and _example(tested),
        }
    record["reports"] = reports
    record["derived"] = derived(record)
    record["made"] = {
        **versions("numpy"),
        "ngspice": ngspice_version(),
        "seed": seed,
        "seconds": round(time.monotonic() - begin, 1),
    }
    return record


def _origin(design: Design) -> dict[str, Any]:
    names = [name for name in ("cell", SCORE, OUTPUT) if design.netlist.has(name)]
    return {
        "name": design.name,
        "about": design.levels.about,
        "sha256": design.sha256,
        "models": design.models.source,
        "models_sha256": design.models.sha256,
        "transistors": {name: design.netlist.transistors(name) for name in names},
    }


def _response(design: Design, effort: Effort) -> tuple[Polynomial, dict[str, Any]]:
    levels = design.levels
    volts = np.linspace(levels.lowest_v, levels.full_scale_v, effort.voltages)
    full = float((1 << levels.query_bits) - 1)
    table = charges(design, volts.tolist(), [full])
    center_v = (levels.lowest_v + levels.full_scale_v) / 2
    response = fit_response(volts, table.charge_c[:, 0], center_v)
    stored = [levels.stored_v(code) for code in range(levels.codes)]
    wide = charges(design, stored, [float(width) for width in effort.widths])
    lines = [fit_line(wide.widths_s, row) for row in wide.charge_c]
    cell = {
        "voltages_v": _list(volts),
        "node_v": _list(table.node_v),
        "charge_fc": _list(table.charge_c[:, 0] * FC),
        "center_v": center_v,
        "coefficients_fc": _list(response.coefficients * FC),
        "covariance_fc2": [_list(row * FC**2) for row in response.covariance],
        "full_scale_fc": response.full_scale * FC,
        "residual": response.residual,
        "codes_charge_fc": _list(wide.charge_c[:, -1] * FC),
        "widths_s": _list(wide.widths_s),
        "width_residual": max(line.residual for line in lines) / response.full_scale,
        "width_offset_fc": _list(np.array([line.offset for line in lines]) * FC),
        "energy": _cell_energy(design, wide),
    }
    return response, cell


def _cell_energy(design: Design, table: Charges) -> dict[str, Any]:
    """Energies of one cell, J, by code; wires of the design's own figures are counted."""
    levels = design.levels
    volts = [levels.stored_v(code) for code in range(levels.codes)]
    swing_v = levels.write_on_v - levels.write_off_v
    return {
        "read_j": _list(table.supply_j[:, -1]),
        "lines_j": float(table.line_j[-1]) + 2 * levels.line_f * levels.cell_v**2,
        "row_j": [float(e + levels.row_f * v * v) for e, v in zip(table.row_j, volts, strict=True)],
        "write_line_j": table.write_line_j + levels.write_line_f * swing_v**2,
    }


def _leaks(design: Design) -> dict[tuple[float, float, float], Leak]:
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


def _retention(design: Design, leaks: dict[tuple[float, float, float], Leak]) -> dict[str, Any]:
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
        "voltages_v": _list(middle.volts),
        "current_a": _list(middle.current_a),
        "capacitance_f": _list(middle.capacitance_f),
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
    center = (levels.lowest_v + levels.full_scale_v) / 2
    worst = 0.0
    for (_, _, off), each in leaks.items():
        if off != levels.write_off_v:
            continue
        for code in range(levels.codes):
            start = volts = levels.stored_v(code)
            for _ in range(200):
                volts += bound_s / 200 * float(np.interp(volts, each.volts, each.slope))
            said = center + (start - center) * (1 - 2 * half)
            worst = max(worst, abs(volts - said))
    return worst


def _writes(design: Design) -> dict[str, Any]:
    seen = writes(design)
    return {
        "pedestal_v": _list(seen.pedestal_v),
        "memory_v": _list(seen.memory_v),
        "row_swing_v": _list(seen.row_v),
        "read_v": _list(seen.read_v),
    }


def _noise(design: Design, leaks: dict[tuple[float, float, float], Leak] | None) -> dict[str, Any]:
    levels = design.levels
    read = [read_noise_c(design, levels.stored_v(code)) for code in range(levels.codes)]
    found: dict[str, Any] = {"read_fc": _list(np.array(read) * FC)}
    if leaks is not None:
        least = min(float(each.capacitance_f.min()) for each in leaks.values())
        found["storage_f"] = least
        found["ktc_v"] = frozen_noise_v(least, levels.temperature_c)
    return found


def _mismatch(design: Design, effort: Effort, rng: np.random.Generator) -> dict[str, Any]:
    seen = spread(design, effort.cells, rng)
    gain, offset, rest = seen.deviations()
    levels = design.levels
    local = levels.mismatch_corner
    return {
        "cells": effort.cells,
        "source": local or f"assumed: {levels.a_vt_mv_um:g} mV um",
        "charge_fc": [_list(row * FC) for row in seen.charge_c],
        "sigma_fc": _list(seen.charge_c.std(axis=0, ddof=1) * FC),
        "stored_sigma_v": _list(seen.node_v.std(axis=0, ddof=1)),
        "gain_sigma": gain,
        "offset_sigma_fc": offset * FC,
        "rest_sigma_fc": rest * FC,
    }


def _corners(design: Design) -> list[dict[str, Any]]:
    levels = design.levels
    stored = [levels.stored_v(code) for code in range(levels.codes)]
    full = [float((1 << levels.query_bits) - 1)]
    found = []
    named = CORNERS if levels.models in ("freepdk45", "sky130") else (levels.corner,)
    for corner, celsius in [*((name, 27.0) for name in named), (levels.corner, 85.0)]:
        each = charges(design.at(corner=corner, temperature_c=celsius), stored, full)
        found.append(
            {
                "corner": corner,
                "temperature_c": celsius,
                "charge_fc": _list(each.charge_c[:, 0] * FC),
            }
        )
    return found


def _full_pulse_c(design: Design, response: Polynomial, *, signed: bool) -> float:
    """About the charge of a full pulse, by the design's ramp or else by its cells."""
    ramp_a = design.sizes.get("i_ramp")
    cells_c = response.full_scale * design.levels.columns / 8
    full_c = cells_c if ramp_a is None else ramp_a * design.levels.full_pulse_s
    return full_c / 2 if signed else full_c


def _transfer(stage: Transfer) -> dict[str, Any]:
    lines = {"positive": stage.positive, "negative": stage.negative}
    full = stage.full_s
    return {
        "charge_fc": _list(stage.charge_c * FC),
        "pulse_s": _list(stage.pulse_s),
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


def _checked(tested: Check, stage: Transfer) -> dict[str, Any]:
    return {
        "charge_fc": _list(tested.charge_c * FC),
        "predicted_s": _list(tested.predicted_s),
        "simulated_s": _list(tested.simulated_s),
        "largest_error": float(np.max(np.abs(tested.error_s))) / stage.full_s,
        "mean_error": float(np.mean(np.abs(tested.error_s))) / stage.full_s,
    }


def _energy(design: Design, tested: Check) -> dict[str, float]:
    """Mean energies of one column and token, J."""

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
    }


def _example(tested: Check) -> dict[str, Any]:
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
        "time_s": _list(grid - begin),
        **{f"{name}_v": [round(float(v), 4) for v in wave] for name, wave in waves.items()},
    }


def _list(values: Any) -> list[float]:
    return [float(value) for value in values]
