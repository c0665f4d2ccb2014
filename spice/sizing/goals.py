"""What the sizes of a design have to reach, and what a design reaches."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from gaincell.tables import Table, build, number, read_toml, shown


@dataclass(frozen=True, kw_only=True)
class Goals(Table):
    """Table ``[goals]`` of a file: the most that a figure of the same name may be."""

    proportion: float = number(0.012, above=0, most=1)
    """Single pulse against the best proportion to its width, fraction of full scale."""
    gain_mismatch: float = number(0.06, above=0, most=1)
    """Standard deviation of a cell's gain."""
    read_noise: float = number(0.005, above=0, most=1)
    """Standard deviation of a full read's charge by noise, fraction of full scale."""
    column_error: float = number(0.01, above=0, most=1)
    """Random columns against the head's arithmetic, fraction of a full pulse."""
    slope_spread: float = number(0.03, above=0, most=1)
    """Standard deviation of a converter's slope."""


def load_goals(path: Path | None) -> Goals:
    """Goals of a TOML file; the default ones without a file.

    Raises
    ------
    TypeError, ValueError
        The file cannot be read, or a goal is unknown or out of its range.
    """
    if path is None:
        return Goals()
    table = read_toml(path, "goals")
    try:
        goals = build(Goals, table.pop("goals", {}), "goals")
        if table:
            raise ValueError(f"unknown table {shown(next(iter(table)))}; known: goals")
    except (TypeError, ValueError) as error:
        raise type(error)(f"goals {path}: {error}") from error
    return goals


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """Of the cell alone; full_scale_fc is the largest charge of a full pulse."""

    full_scale_fc: float
    proportion: float
    gain_mismatch: float
    read_noise: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of a design.

    column_error, slope_spread : the larger of both stages
    energy_j : of a column and an output line with their cells and converters, and one token
    cell_um2, converters_um2 : of a cell, and of a converter of each stage; NaN: not estimated
    """

    cell: CellFigures
    column_error: float
    slope_spread: float
    energy_j: float
    cell_um2: float
    converters_um2: float

    @property
    def by_name(self) -> dict[str, float]:
        """The cell's figures and these, under the names that goals have."""
        return {**vars(self.cell), **vars(self)}

    def missed(self, goals: Goals) -> dict[str, float]:
        """Goals that are missed, and by which factor."""
        found = self.by_name
        over = {each.name: found[each.name] / getattr(goals, each.name) for each in fields(goals)}
        return {name: factor for name, factor in over.items() if factor > 1}
