"""Parts ``dac`` and ``line_driver`` of a record."""

from __future__ import annotations

from typing import Any

import numpy as np

from gaincell.spice.design import Design
from gaincell.spice.measure.line_driver import DRIVER, line_drive
from gaincell.spice.measure.write_dac import LADDER, SELECT, write_dac
from gaincell.spice.netlist import LEVELS
from gaincell.spice.ngspice import NoResult
from gaincell.spice.record.plain import listed


def dac(design: Design, rng: np.random.Generator) -> dict[str, Any]:
    """Part ``dac``: errors in V, by code.

    Raises
    ------
    NoResult
        The netlist has no DAC, or one of other codes, or a simulation failed.
    """
    _need(design, LADDER, SELECT)
    if design.levels.codes != len(LEVELS):
        raise NoResult(f"they have {len(LEVELS)} levels, but the design {design.levels.codes}")
    seen, levels = write_dac(design, rng), design.levels
    wanted = np.array([levels.stored_v(code) for code in range(levels.codes)])
    return {
        "rows": levels.columns,
        "level_error_v": listed(seen.level_v - wanted),
        "together_error_v": listed(seen.together_v - wanted),
        "drawn_rms_v": float(np.sqrt(np.mean(np.square(seen.drawn_v)))),
        "drawn_worst_v": float(np.max(np.abs(seen.drawn_v))),
        "energy_j": seen.energy_j,
    }


def line_driver(design: Design) -> dict[str, float]:
    """Part ``line_driver``: one pulse on the lines of one row and sub-tile. Raises NoResult."""
    _need(design, DRIVER)
    seen = line_drive(design)
    return {
        "energy_j": seen.energy_j,
        "longer_s": seen.longer_s,
        "longer_complement_s": seen.longer_complement_s,
    }


def _need(design: Design, *names: str) -> None:
    missing = [name for name in names if not design.netlist.has(name)]
    if missing:
        raise NoResult(f"the netlist has no {' and no '.join(missing)}")
