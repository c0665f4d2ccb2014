"""The pulse of a whole column over its charge, as the random columns of a record have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gaincell.spice.fit import fit_line
from gaincell.spice.waves import Floats

INSIDE = 0.98
"""Part of a full pulse from which on a column counts as saturated."""
LEAST = 3
"""Columns that a line needs."""
SIGNS = {"score": (1,), "output": (1, -1)}


def column_lines(record: Mapping[str, Any], stage: str) -> Callable[[Floats], Floats]:
    """Signed pulse, s, of a line's charge, fC, with a line for each sign of the charge.

    Raises
    ------
    ValueError
        The record has too few random columns of ``stage``, "score" or "output".
    """
    columns = record[stage]["columns"] or {"charge_fc": [], "simulated_s": []}
    charge, pulse = (np.array(columns[name]) for name in ("charge_fc", "simulated_s"))
    full_s = float(record[stage]["full_s"])
    inside = (np.abs(pulse) > 0) & (np.abs(pulse) < INSIDE * full_s)
    lines = {}
    for sign in SIGNS[stage]:
        chosen = inside & (pulse * sign > 0)
        if np.count_nonzero(chosen) < LEAST:
            raise ValueError(
                f"the record has {np.count_nonzero(chosen)} random {stage} columns with a pulse "
                f"inside the range, but {LEAST} are needed: characterise the design without --short"
            )
        lines[sign] = fit_line(charge[chosen], pulse[chosen])

    def pulse_of(charge: Floats) -> Floats:
        found = np.zeros_like(charge)
        for sign, line in lines.items():
            length = np.clip(sign * (line.offset + line.slope * charge), 0, full_s)
            found += sign * length * (sign * charge > 0)
        return found

    return pulse_of
