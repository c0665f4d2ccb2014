"""Parts ``write``, ``noise``, ``mismatch`` and ``corners`` of a record."""

from __future__ import annotations

from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.measure.charges import charges
from gaincell.spice.measure.mismatch import spread
from gaincell.spice.measure.noise import frozen_noise_v, read_noise_c
from gaincell.spice.measure.retention import Leak
from gaincell.spice.measure.writes import writes
from gaincell.spice.model_files import CORNERS, PROCESSES
from gaincell.spice.record.plain import FC, listed


def write_errors(design: Design) -> dict[str, Any]:
    """Part ``write``, each list by code. Raises NoResult if the simulation failed."""
    seen = writes(design)
    return {
        "pedestal_v": listed(seen.pedestal_v),
        "memory_v": listed(seen.memory_v),
        "row_swing_v": listed(seen.row_v),
        "read_v": listed(seen.read_v),
    }


def noise(design: Design, leaks: dict[tuple[float, float, float], Leak] | None) -> dict[str, Any]:
    """Part ``noise``; that of a write only where the storage node's capacitance is known."""
    levels = design.levels
    read = [read_noise_c(design, levels.stored_v(code)) for code in range(levels.codes)]
    found: dict[str, Any] = {"read_fc": listed(np.array(read) * FC)}
    if leaks is not None:
        least = min(float(each.capacitance_f.min()) for each in leaks.values())
        found["storage_f"] = least
        found["ktc_v"] = frozen_noise_v(least, levels.temperature_c)
    return found


def mismatch(design: Design, cells: int, rng: np.random.Generator) -> dict[str, Any]:
    """Part ``mismatch`` of ``cells`` cells."""
    seen = spread(design, cells, rng)
    gain, offset, rest = seen.deviations()
    levels = design.levels
    local = levels.mismatch_corner
    return {
        "cells": cells,
        "source": local or f"assumed: {levels.a_vt_mv_um:g} mV um",
        "charge_fc": [listed(row * FC) for row in seen.charge_c],
        "sigma_fc": listed(seen.charge_c.std(axis=0, ddof=1) * FC),
        "stored_sigma_v": listed(seen.node_v.std(axis=0, ddof=1)),
        "gain_sigma": gain,
        "offset_sigma_fc": offset * FC,
        "rest_sigma_fc": rest * FC,
    }


def corners(design: Design) -> list[dict[str, Any]]:
    """Part ``corners``: charges of a full pulse by code; of a user's models, one corner only."""
    levels = design.levels
    stored = [levels.stored_v(code) for code in range(levels.codes)]
    full = [float(levels.full_steps)]
    found = []
    named = CORNERS if levels.models in PROCESSES else (levels.corner,)
    for corner, celsius in [*((name, 27.0) for name in named), (levels.corner, 85.0)]:
        each = charges(design.at(corner=corner, temperature_c=celsius), stored, full)
        found.append(
            {
                "corner": corner,
                "temperature_c": celsius,
                "charge_fc": listed(each.charge_c[:, 0] * FC),
            }
        )
    return found
