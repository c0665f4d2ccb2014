"""Everything that can be wrong with a HeadConfig, found at once and said in one sentence each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gaincell.cell import CELLS, largest_charge

if TYPE_CHECKING:
    from gaincell.config import HeadConfig

CHOICES = {
    "age_mode": ("steps", "time"),
    "schedule": ("sequential", "overlapped", "paired"),
    "readout": ("popcount", "counters"),
}
WHOLE = {
    "head_dim": (1, None),
    "window": (1, None),
    "columns": (1, None),
    "sink": (0, None),
    "query_bits": (1, 8),
    "key_bits": (1, 8),
    "value_bits": (1, 8),
    "readout_bits": (1, 8),
    "write_cycles": (1, None),
    "reset_cycles": (1, None),
    "step_cycles": (1, None),
    "sync_stages": (1, 2),
}
POSITIVE = {
    "full_scale_v": "V",
    "retention_s": "s",
    "token_s": "s",
    "clock_s": "s",
}
POSITIVE_OR_NONE = {"score_saturation": "charge", "output_saturation": "charge"}


@dataclass
class Problems:
    """Sentences about wrong types and wrong values, raised together."""

    types: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def raise_any(self) -> None:
        """Raise TypeError if a type is wrong, ValueError if only values are, else return."""
        if found := self.types + self.values:
            raise (TypeError if self.types else ValueError)("; ".join(found))


def problems_of(config: HeadConfig) -> Problems:
    """Check all fields of ``config`` and how they fit together."""
    found = Problems()
    _check_choices(config, found)
    _check_whole_numbers(config, found)
    _check_quantities(config, found)
    _check_cell(config, found)
    if not found.types and not found.values:
        _check_geometry(config, found)
        _check_cleared_cells(config, found)
    if not found.types and not found.values:
        _check_retention(config, found)
    return found


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_choices(config: HeadConfig, found: Problems) -> None:
    if not isinstance(config.refresh, bool):
        found.types.append(f"refresh is {config.refresh!r}, but must be true or false")
    for name, choices in CHOICES.items():
        value = getattr(config, name)
        options = " or ".join(f'"{choice}"' for choice in choices)
        if not isinstance(value, str):
            found.types.append(f"{name} is {value!r}, but must be {options}")
        elif value not in choices:
            found.values.append(f'{name} is "{value}", but must be {options}')


def _check_whole_numbers(config: HeadConfig, found: Problems) -> None:
    for name, (low, high) in WHOLE.items():
        value = getattr(config, name)
        bound = f"at least {low}" if high is None else f"{low}..{high}"
        if not isinstance(value, int) or isinstance(value, bool):
            found.types.append(f"{name} is {value!r}, but must be a whole number, {bound}")
        elif value < low or (high is not None and value > high):
            found.values.append(f"{name} is {value}, but must be {bound}")


def _check_quantities(config: HeadConfig, found: Problems) -> None:
    for name, unit in (POSITIVE | POSITIVE_OR_NONE).items():
        value = getattr(config, name)
        if value is None and name in POSITIVE_OR_NONE:
            continue
        if not is_number(value):
            found.types.append(f"{name} is {value!r}, but must be a number above 0 ({unit})")
        elif not (value > 0 and math.isfinite(value)):
            found.values.append(f"{name} is {value}, but must be finite and above 0 ({unit})")
    if not is_number(config.center_v):
        found.types.append(f"center_v is {config.center_v!r}, but must be a number (V)")
    elif not math.isfinite(config.center_v):
        found.values.append(f"center_v is {config.center_v}, but must be finite (V)")
    error = config.retention_error
    if error is not None and not is_number(error):
        found.types.append(f"retention_error is {error!r}, but must be a fraction, 0..0.5")
    elif error is not None and not 0 < error <= 0.5:
        found.values.append(f"retention_error is {error}, but must be above 0 and at most 0.5")


def _check_cell(config: HeadConfig, found: Problems) -> None:
    cell = config.cell
    names = " or ".join(f'"{name}"' for name in CELLS)
    if isinstance(cell, str):
        if cell not in CELLS:
            found.values.append(f'cell is "{cell}", but must be {names}, or a list of coefficients')
    elif not isinstance(cell, tuple) or not all(is_number(value) for value in cell):
        found.types.append(f"cell is {cell!r}, but must be {names}, or a list of coefficients")
    elif len(cell) < 2 or not all(math.isfinite(value) for value in cell):
        found.values.append(f"cell is {cell}, but needs two or more finite coefficients")


def _check_geometry(config: HeadConfig, found: Problems) -> None:
    if config.window % config.columns:
        found.values.append(
            f"window is {config.window}, but must be a multiple of columns ({config.columns})"
        )
    if config.sink > config.columns:
        found.values.append(
            f"sink is {config.sink}, but must be at most columns ({config.columns}), "
            "the size of its sub-tile"
        )


def _check_cleared_cells(config: HeadConfig, found: Problems) -> None:
    """A cleared cell must never add to a score while it waits for its next refresh."""
    cleared_v = -config.center_v
    aged_v = cleared_v * (1 - 2 * config.retention_error_limit)
    low_v, high_v = min(cleared_v, aged_v), max(cleared_v, aged_v)
    charge = largest_charge(config.cell_coefficients, low_v, high_v)
    if charge > 0:
        found.values.append(
            f"a cleared cell answers with charge {charge:.3g} > 0 before its refresh at "
            f"retention_error {config.retention_error_limit:.3g}, so empty slots would score; "
            "lower retention_error or choose another cell"
        )


def _check_retention(config: HeadConfig, found: Problems) -> None:
    plan = config.retention
    if plan is not None and (shortage := plan.shortage(config)):
        found.values.append(shortage)
