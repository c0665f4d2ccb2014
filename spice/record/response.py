"""Part ``cell`` of a record: response, linearity and energies of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.fit import (
    LARGEST_RESIDUAL,
    NoFit,
    Polynomial,
    fit_line,
    fit_response,
    proportion,
)
from gaincell.spice.measure.charges import Charges, charges
from gaincell.spice.record.plain import FC, listed
from gaincell.spice.waves import Floats


def response(
    design: Design, between: int, widths: Sequence[int]
) -> tuple[Polynomial, dict[str, Any]]:
    """The fitted response and the part ``cell``.

    A cell's charge for pulses of all widths is proportional to the width, but for the little that
    each pulse carries whatever its width. The response is the factor of ``proportion``, as the
    charge of a full pulse.

    Parameters
    ----------
    between : steps of the stored voltage from one code to the next
    widths : of pulses, in clocks, at every stored voltage; their mean should be that of all

    Raises
    ------
    NoResult, NoFit
        A simulation failed; charges do not rise from below 0 to above, or fit no polynomial.
    """
    levels = design.levels
    volts = np.linspace(levels.lowest_v, levels.full_scale_v, between * (levels.codes - 1) + 1)
    table = charges(design, volts.tolist(), [float(width) for width in widths])
    parts = table.widths_s / levels.full_pulse_s
    charge = proportion(parts, table.charge_c)
    _check_signed(charge)
    response = fit_response(volts, charge, levels.middle_v)
    coded = table.charge_c[::between]
    lines = [fit_line(table.widths_s, row) for row in coded]
    left = table.charge_c - charge[:, None] * parts
    cell = {
        "voltages_v": listed(volts),
        "node_v": listed(table.node_v),
        "charge_fc": listed(charge * FC),
        "center_v": levels.middle_v,
        "coefficients_fc": listed(response.coefficients * FC),
        "covariance_fc2": [listed(row * FC**2) for row in response.covariance],
        "full_scale_fc": response.full_scale * FC,
        "residual": response.residual,
        "codes_charge_fc": listed(charge[::between] * FC),
        "widths_s": listed(table.widths_s),
        "width_residual": max(line.residual for line in lines) / response.full_scale,
        "width_offset_fc": listed(np.array([line.offset for line in lines]) * FC),
        "proportion_residual": float(np.max(np.abs(left))) / response.full_scale,
        "energy": _cell_energy(design, table, between),
    }
    return response, cell


def _check_signed(charge: Floats) -> None:
    """Raise NoFit unless charges rise with the stored voltage, from below 0 to above."""
    low, high = float(charge[0]) * FC, float(charge[-1]) * FC
    if not low < 0 < high:
        raise NoFit(
            f"the cell does not push and pull: a full pulse draws {low:.3g} fC at the lowest "
            f"stored voltage and {high:.3g} fC at the highest"
        )
    least = float(np.min(np.diff(charge)))
    if least < -LARGEST_RESIDUAL * float(np.max(np.abs(charge))):
        raise NoFit(
            f"the charge of a cell falls by {-least * FC:.3g} fC where the stored voltage rises"
        )


def _cell_energy(design: Design, table: Charges, between: int) -> dict[str, Any]:
    """Energies of one cell, J, by code; wires of the design's own figures are counted."""
    levels = design.levels
    volts = [levels.stored_v(code) for code in range(levels.codes)]
    swing_v = levels.write_on_v - levels.write_off_v
    rows = zip(table.row_j[::between], volts, strict=True)
    return {
        "read_j": listed(table.supply_j[::between, -1]),
        "lines_j": float(table.line_j[-1]) + 2 * levels.line_f * levels.cell_v**2,
        "row_j": [float(each_j + levels.row_f * v * v) for each_j, v in rows],
        "write_line_j": table.write_line_j + levels.write_line_f * swing_v**2,
    }
