"""Part ``cell`` of a record: response, linearity and energies of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.fit import LARGEST_RESIDUAL, NoFit, Polynomial, fit_line, fit_response
from gaincell.spice.measure.charges import Charges, charges
from gaincell.spice.record.plain import FC, listed
from gaincell.spice.waves import Floats


def response(
    design: Design, voltages: int, widths: Sequence[int]
) -> tuple[Polynomial, dict[str, Any]]:
    """The fitted response and the part ``cell``.

    Parameters
    ----------
    voltages : number of stored voltages
    widths : of pulses, in clocks, at every code

    Raises
    ------
    NoResult, NoFit
        A simulation failed; charges do not rise from below 0 to above, or fit no polynomial.
    """
    levels = design.levels
    volts = np.linspace(levels.lowest_v, levels.full_scale_v, voltages)
    full = float(levels.full_steps)
    table = charges(design, volts.tolist(), [full])
    _check_signed(table.charge_c[:, 0])
    response = fit_response(volts, table.charge_c[:, 0], levels.middle_v)
    stored = [levels.stored_v(code) for code in range(levels.codes)]
    wide = charges(design, stored, [float(width) for width in widths])
    lines = [fit_line(wide.widths_s, row) for row in wide.charge_c]
    cell = {
        "voltages_v": listed(volts),
        "node_v": listed(table.node_v),
        "charge_fc": listed(table.charge_c[:, 0] * FC),
        "center_v": levels.middle_v,
        "coefficients_fc": listed(response.coefficients * FC),
        "covariance_fc2": [listed(row * FC**2) for row in response.covariance],
        "full_scale_fc": response.full_scale * FC,
        "residual": response.residual,
        "codes_charge_fc": listed(wide.charge_c[:, -1] * FC),
        "widths_s": listed(wide.widths_s),
        "width_residual": max(line.residual for line in lines) / response.full_scale,
        "width_offset_fc": listed(np.array([line.offset for line in lines]) * FC),
        "energy": _cell_energy(design, wide),
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


def _cell_energy(design: Design, table: Charges) -> dict[str, Any]:
    """Energies of one cell, J, by code; wires of the design's own figures are counted."""
    levels = design.levels
    volts = [levels.stored_v(code) for code in range(levels.codes)]
    swing_v = levels.write_on_v - levels.write_off_v
    return {
        "read_j": listed(table.supply_j[:, -1]),
        "lines_j": float(table.line_j[-1]) + 2 * levels.line_f * levels.cell_v**2,
        "row_j": [float(e + levels.row_f * v * v) for e, v in zip(table.row_j, volts, strict=True)],
        "write_line_j": table.write_line_j + levels.write_line_f * swing_v**2,
    }
