"""Transfer of both converters: charge on a bit line to the length of a pulse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaincell.spice.design import Design, Levels
from gaincell.spice.fit import Line, NoFit, Polynomial, fit_line
from gaincell.spice.measure.column import Column, column
from gaincell.spice.measure.times import Gates
from gaincell.spice.waves import Floats

Codes = NDArray[np.int64]

POINTS = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.85)
"""Charges, as a fraction of that of a full pulse."""
BEYOND = 1.3
"""A charge that saturates any converter, likewise."""


@dataclass(frozen=True)
class Transfer:
    """One converter.

    charge_c, pulse_s : points, with the sign of the charge
    positive, negative : lines through the points with a pulse; None of the first stage
    full_s : longest pulse of either sign, s
    gates : delays of the converters without cells
    replica_j : energy of these for one token, J
    """

    charge_c: Floats
    pulse_s: Floats
    positive: Line
    negative: Line | None
    full_s: float
    gates: Gates
    replica_j: float

    def pulse_of(self, charge_c: Floats) -> Floats:
        """Pulses (s, signed) by the lines, clipped as the converter clips."""
        up = np.clip(self.positive.offset + self.positive.slope * charge_c, 0, self.full_s)
        if self.negative is None:
            return up
        down = np.clip(self.negative.offset + self.negative.slope * charge_c, -self.full_s, 0)
        return np.where(charge_c >= 0, up, down)


def transfer(
    design: Design,
    response: Polynomial,
    *,
    signed: bool,
    guess_c: float,
    points: Sequence[float] = POINTS,
) -> Transfer:
    """Simulate one converter on lines whose cells give the charge.

    Cells hold all codes evenly but for those that are changed to reach a charge, and half of them
    have short pulses. Their current falls a little as the line moves, and differently for each
    code, so the line is measured as it is used. Their charge, by ``response``, counts, and an ideal
    source gives what is left of it.

    Parameters
    ----------
    guess_c : charge of about a full pulse, C
    points : charges, as a fraction of it; three or more

    Raises
    ------
    NoResult, NoFit
        A simulation failed; a pulse does not grow with the charge.
    """
    signs = (1.0, -1.0) if signed else (1.0,)
    shares = [*(sign * share for sign in signs for share in (*points, BEYOND))]
    if not signed:
        shares.append(-0.1)
    levels = design.levels
    even, widths = even_column(levels)
    each_c = response(np.array([levels.stored_v(code) for code in range(levels.codes)]))
    # cells in pairs: each code has both widths, a short one and a long one
    drive = np.array(widths) / levels.full_steps
    pairs = np.add.reduceat(drive, np.arange(0, levels.columns, 2))
    charge = np.array(shares) * guess_c
    done: list[Column] = []
    for target_c in charge:
        chosen = codes_for(each_c, pairs, target_c, np.array(even[::2]))
        codes = np.repeat(chosen, 2)[: levels.columns]
        gates = done[0].gates if done else None
        injected_c = float(target_c - each_c[codes] @ drive)
        done.append(
            column(
                design, codes.tolist(), widths, signed=signed, gates=gates, injected_c=injected_c
            )
        )
    pulse = np.array([each.pulse_s for each in done])
    name = "signed converter" if signed else "score converter"
    if not signed and pulse[-1] > 0:
        raise NoFit(f"the {name} gives a pulse of {pulse[-1]:.3g} s to a negative charge")
    lines = [_line(charge, pulse, sign, name) for sign in signs]
    full = min(abs(pulse[charge * sign > guess_c].item()) for sign in signs)
    return Transfer(
        charge,
        pulse,
        lines[0],
        lines[1] if signed else None,
        full,
        done[0].gates,
        done[0].replica_j,
    )


def even_column(levels: Levels) -> tuple[list[int], list[int]]:
    """Codes and widths of a column: each code with a short and a long pulse, equally often.

    The mean of both is that of all widths, so what a pulse carries besides cancels as in the fit.
    Neighbours have one code and both widths.
    """
    steps = levels.full_steps + 1
    both = (steps // 4, steps - steps // 4)
    cells = range(levels.columns)
    return [cell // 2 % levels.codes for cell in cells], [both[cell % 2] for cell in cells]


def codes_for(each_c: Floats, drive: Floats, target_c: float, codes: Codes) -> Codes:
    """The codes, changed one after the other until the column has about a charge.

    Parameters
    ----------
    each_c : charge of a full pulse by code, C
    drive : width of each cell's pulse, fraction of a full one
    """
    codes = codes.copy()
    for row, width in enumerate(drive):
        others = float(each_c[codes] @ drive - each_c[codes[row]] * width)
        codes[row] = int(np.argmin(np.abs(others + each_c * width - target_c)))
    return codes


def _line(charge: Floats, pulse: Floats, sign: float, name: str) -> Line:
    """A line through the points of one sign that have a pulse and are no saturated ones."""
    inside = (pulse * sign > 0) & (np.abs(charge) < np.max(np.abs(charge)) / BEYOND)
    if np.count_nonzero(inside) < 3:
        raise NoFit(f"the {name} has a pulse at fewer than three charges")
    order = np.argsort(np.abs(charge[inside]))
    if np.any(np.diff(np.abs(pulse[inside][order])) <= 0):
        raise NoFit(f"pulses of the {name} do not grow with the charge")
    return fit_line(charge[inside], pulse[inside])
