"""Reads tables of measurements: CSV whose header gives each column's unit."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaincell.refusals import foreign
from gaincell.spice.waves import Floats
from gaincell.tables import nearest

PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
HEAD = re.compile(r"(\w+)\s*(?:\[\s*([a-zA-Z]*)\s*\])?")
LABELS = ("device", "cycle")
"""Columns of names: a device is one piece of hardware, a cycle one repetition on it."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table without their gaps.

    labels : device and cycle of each row; both "1" where the table has no such column
    columns : values by name, in SI units
    gaps : one sentence on each row that is left out
    """

    labels: dict[str, NDArray[np.str_]]
    columns: dict[str, Floats]
    gaps: list[str]

    def __len__(self) -> int:
        return len(self.labels["device"])

    def only(self, kept: NDArray[np.bool_]) -> Rows:
        """The rows that are kept."""
        return Rows(
            {name: each[kept] for name, each in self.labels.items()},
            {name: each[kept] for name, each in self.columns.items()},
            self.gaps,
        )


def read_rows(path: Path, units: Mapping[str, str]) -> Rows:
    """The rows of a CSV file.

    Parameters
    ----------
    units : base unit of each column that must be there, such as {"width": "s"}; the header may put
        one of ``PREFIXES`` before it: "width [ns]"

    Raises
    ------
    ValueError
        The file cannot be read, a column or its unit is missing or unknown, or there is no row.
    """
    with foreign(f"data {path} cannot be read"):
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    if not lines:
        raise ValueError(f"data {path} is empty, but its first line must name columns")
    places, factors = _header(path, [each.strip() for each in lines[0]], units)
    labels: dict[str, list[str]] = {name: [] for name in LABELS}
    values: dict[str, list[float]] = {name: [] for name in units}
    gaps = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        cells = {name: line[at].strip() if at < len(line) else "" for name, at in places.items()}
        read = {name: _number(cells[name]) for name in units}
        absent = [name for name, value in read.items() if value is None]
        if absent:
            gaps.append(f"{path.name}, line {number}: no {' and no '.join(absent)}")
            continue
        for name, value in read.items():
            values[name].append((value or 0.0) * factors[name])
        for name in LABELS:
            labels[name].append(cells.get(name, "1"))
    if not labels["device"]:
        raise ValueError(f"data {path} has no row with all of {', '.join(units)}")
    return Rows(
        {name: np.array(each) for name, each in labels.items()},
        {name: np.array(each) for name, each in values.items()},
        gaps,
    )


def _header(
    path: Path, cells: list[str], units: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, float]]:
    """Place of each column, and the factor from its unit to the base unit."""
    places, factors = {}, {}
    for at, cell in enumerate(cells):
        found = HEAD.fullmatch(cell)
        name = found[1] if found else cell
        if name not in units and name not in LABELS:
            known = (*LABELS, *units)
            raise ValueError(f'data {path}: unknown column "{cell}"{nearest(name, known)}')
        places[name] = at
        if name in LABELS:
            continue
        unit, base = (found[2] if found else None) or "", units[name]
        prefix = unit.removesuffix(base)
        if not unit.endswith(base) or prefix not in PREFIXES:
            raise ValueError(
                f'data {path}: column "{cell}" must have its unit in brackets, such as '
                f'"{name} [{base}]"'
            )
        factors[name] = PREFIXES[prefix]
    if missing := [name for name in units if name not in places]:
        raise ValueError(f"data {path} has no column {' and no '.join(missing)}")
    return places, factors


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
