"""Random columns of transistors against what the cell's response and the converter's lines say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.fit import Polynomial
from gaincell.spice.measure.column import Column, column
from gaincell.spice.measure.converters import Codes, Transfer, codes_for
from gaincell.spice.waves import Floats

REACH = 1.2
"""Largest charge that is drawn, as a fraction of that of a full pulse."""


@dataclass(frozen=True)
class Check:
    """Columns of one stage.

    charge_c : (n,) predicted charge of each column
    predicted_s, simulated_s : (n,) signed pulses
    activity : mean width of the pulses on the cells, fraction of a full one
    """

    charge_c: Floats
    predicted_s: Floats
    simulated_s: Floats
    activity: float
    columns: tuple[Column, ...]

    @property
    def error_s(self) -> Floats:
        """Simulated less predicted."""
        return self.simulated_s - self.predicted_s


def check(
    design: Design,
    response: Polynomial,
    transfer: Transfer,
    *,
    signed: bool,
    shares: Sequence[float],
    rng: np.random.Generator,
) -> Check:
    """Simulate columns of random codes and widths, one for each of ``shares``.

    Codes are drawn, then changed one by one until the column has its charge.

    Parameters
    ----------
    shares : charges, as a fraction of that of a full pulse

    Raises
    ------
    NoResult
        A simulation failed.
    """
    levels = design.levels
    steps = levels.full_steps
    full_c = transfer.full_s / transfer.positive.slope
    each_c = response(np.array([levels.stored_v(code) for code in range(levels.codes)]))
    charges, done, active = [], [], []
    for share in shares:
        widths = rng.integers(0, steps + 1, levels.columns)
        codes = _codes(each_c, widths / steps, share * full_c, rng)
        charges.append(float(each_c[codes] @ widths) / steps)
        active.append(widths.mean() / steps)
        done.append(
            column(design, codes.tolist(), widths.tolist(), signed=signed, gates=transfer.gates)
        )
    charge = np.array(charges)
    simulated = np.array([each.pulse_s for each in done])
    return Check(charge, transfer.pulse_of(charge), simulated, float(np.mean(active)), tuple(done))


def even_shares(columns: int, *, signed: bool) -> list[float]:
    """Charges spread evenly over what saturates a converter, as a fraction of a full pulse's.

    They go from -``REACH`` for the signed one, from a third of it below 0 for the other.
    """
    lowest = -REACH if signed else -REACH / 3
    spread: list[float] = np.linspace(lowest, REACH, columns).tolist()
    return spread


def _codes(each_c: Floats, drive: Floats, target_c: float, rng: np.random.Generator) -> Codes:
    """Random codes whose column has about the charge ``target_c``."""
    codes = rng.integers(0, len(each_c), len(drive))
    order = rng.permutation(len(drive))
    codes[order] = codes_for(each_c, drive[order], target_c, codes[order])
    return codes
