"""Measures the figures of a design that its sizes decide, in a few simulations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gaincell.spice.area import areas
from gaincell.spice.design import Design
from gaincell.spice.fit import Polynomial
from gaincell.spice.measure.check import Check, check
from gaincell.spice.measure.column import column
from gaincell.spice.measure.converter_spread import converter_spread
from gaincell.spice.measure.converters import Transfer, even_column, transfer
from gaincell.spice.measure.mismatch import spread
from gaincell.spice.measure.noise import read_noise_c
from gaincell.spice.ngspice import NoResult
from gaincell.spice.record.response import response
from gaincell.spice.record.stages import full_pulse_c
from gaincell.spice.sizing.goals import CellFigures, Figures

WIDTHS = (1, 8, 15)
CELLS = 12
POINTS = (0.05, 0.3, 0.8)
SHARES = (0.5, 0.8, 0.95)
"""Random columns, as a fraction of a full pulse's charge: errors are largest near saturation."""
CONVERTERS = 4
STEPS = ("c_stepup", "c_stepdown")
"""Sizes that set the line back; they decide when pulses of the signed converter begin."""
TRIES = 4
CLOSE = 0.02
"""Distance of that from the middle of a clock that is left, clocks."""


def cell_figures(design: Design, seed: int) -> tuple[Polynomial, CellFigures]:
    """Response and figures of the cell. Raises NoResult, NoFit."""
    fitted, part = response(design, 2, WIDTHS)
    gain, _, _ = spread(design, CELLS, np.random.default_rng(seed)).deviations()
    ends = (design.levels.lowest_v, design.levels.full_scale_v)
    noise_c = max(read_noise_c(design, volts) for volts in ends)
    return fitted, CellFigures(
        full_scale_fc=part["full_scale_fc"],
        proportion=part["proportion_residual"],
        gain_mismatch=gain,
        read_noise=noise_c / fitted.full_scale,
    )


def figures(design: Design, fitted: Polynomial, cell: CellFigures, seed: int) -> Figures:
    """All figures of a design with the given cell. Raises NoResult, NoFit."""
    errors, spreads, energy_j = [], [], 0.0
    for signed in (False, True):
        guess_c = full_pulse_c(design, fitted, signed=signed)
        stage = transfer(design, fitted, signed=signed, guess_c=guess_c, points=POINTS)
        tested = _columns(design, fitted, stage, signed=signed, seed=seed)
        errors.append(float(np.max(np.abs(tested.error_s))) / stage.full_s)
        energy_j += float(
            np.mean(
                [
                    each.cells_j + each.reset_j + each.integrate_j + each.convert_j
                    for each in tested.columns
                ]
            )
        )
        rng = np.random.default_rng(seed)
        differing = converter_spread(design, stage, signed=signed, converters=CONVERTERS, rng=rng)
        spreads.append(float(differing.gain.std(ddof=1)))
    area = areas(design) or {}
    high = {name: each["high_um2"] for name, each in area.items()}
    both = ("score_converter", "output_converter")
    return Figures(
        cell=cell,
        column_error=max(errors),
        slope_spread=max(spreads),
        energy_j=energy_j,
        cell_um2=high.get("cell", math.nan),
        converters_um2=sum(high.get(name, math.nan) for name in both),
    )


def _columns(
    design: Design, fitted: Polynomial, stage: Transfer, *, signed: bool, seed: int
) -> Check:
    shares = (*(-share for share in SHARES), *SHARES) if signed else SHARES
    rng = np.random.default_rng(seed)
    return check(design, fitted, stage, signed=signed, shares=shares, rng=rng)


def centred(design: Design) -> Design:
    """The design with ``STEPS`` such that signed pulses begin between two samples of the readout.

    A design without these sizes stays as it is; so does one whose converters give no answer.
    """
    if not set(STEPS) <= set(design.sizes):
        return design
    levels, sizes = design.levels, dict(design.sizes)
    wanted_s = (levels.late_cycles + 0.5) * levels.clock_s
    # F by which a step moves per second of delay: half the ramp's current, at a step of the supply
    farads_per_s = sizes["i_ramp"] / 2 / levels.logic_v
    codes, widths = even_column(levels)
    for _ in range(TRIES):
        design = replace(design, sizes=sizes)
        try:
            gates = column(design, codes, widths, signed=True).gates
        except NoResult:
            return design
        late_s = (wanted_s - gates.lifted_s, wanted_s - gates.lowered_s)
        if max(map(abs, late_s)) <= CLOSE * levels.clock_s:
            break
        moved = zip(STEPS, late_s, strict=True)
        sizes = sizes | {name: max(0.0, sizes[name] + farads_per_s * s) for name, s in moved}
    return design
