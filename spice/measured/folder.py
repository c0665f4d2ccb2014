"""A folder of measurements: ``data.toml``, ``charge.csv`` or ``current.csv``, ``retention.csv``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from gaincell.spice.code_levels import CodeLevels
from gaincell.spice.measured.csv_table import Rows, read_rows
from gaincell.tables import Table, build, number, read_toml, shown, string, whole

SETTINGS, CHARGE, CURRENT, RETENTION = (
    "data.toml",
    "charge.csv",
    "current.csv",
    "retention.csv",
)
MOST_V = 100.0


@dataclass(frozen=True, kw_only=True)
class MeasuredLevels(CodeLevels, Table):
    """Table ``[data]`` of data.toml: what the tables do not say; names as in a design's levels."""

    about: str = string()
    """One sentence: what was measured, and where."""
    full_scale_v: float = number(above=0, most=MOST_V, unit="V")
    """Voltage that the largest code writes, V."""
    lowest_v: float = number(0.0, low=0, most=MOST_V, unit="V")
    """Voltage that code 0 writes, V."""
    clock_s: float = number(1e-9, above=0, unit="s")
    """A step of a query pulse, s."""
    write_cycles: int = whole(10, low=1, high=1000)
    reset_cycles: int = whole(2, low=1, high=1000)
    late_cycles: int = whole(0, low=0, high=100)
    query_bits: int = whole(4, low=1, high=8)
    code_bits: int = whole(3, low=1, high=8)
    columns: int = whole(64, low=1, high=1024)
    """Cells on a bit line."""
    temperature_c: float = number(27.0, low=-273, high=300, unit="C")

    def problems_together(self) -> list[str]:
        if self.lowest_v < self.full_scale_v:
            return []
        return [f"lowest_v is {self.lowest_v} V, but must be below full_scale_v"]


@dataclass(frozen=True)
class Measurements:
    """What a folder holds.

    charge : columns stored (V), width (s), charge (C: positive where the bit line falls)
    retention : columns start (V), time (s), held (V); None: there is no such file
    """

    name: str
    levels: MeasuredLevels
    charge: Rows
    retention: Rows | None
    sha256: str


def load_data(folder: Path) -> Measurements:
    """Read a folder.

    Raises
    ------
    TypeError, ValueError
        A file is missing or wrong: the message says which and how.
    """
    settings = folder / SETTINGS
    if not settings.is_file():
        raise ValueError(f"data {folder} has no {SETTINGS}")
    table = read_toml(settings, "data")
    try:
        levels = build(MeasuredLevels, table.pop("data", {}), "data")
        if table:
            raise ValueError(f"unknown table {shown(next(iter(table)))}; known: data")
    except (TypeError, ValueError) as error:
        raise type(error)(f"data {settings}: {error}") from error
    given = [folder / name for name in (CHARGE, CURRENT) if (folder / name).is_file()]
    if len(given) != 1:
        raise ValueError(
            f"data {folder} has {len(given)} of {CHARGE} and {CURRENT}, but must have one"
        )
    charge = _charge(given[0])
    held = folder / RETENTION
    retention = None
    if held.is_file():
        retention = read_rows(held, {"start": "V", "time": "s", "held": "V"})
        given.append(held)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (settings, *given)))
    return Measurements(folder.resolve().name, levels, charge, retention, digest.hexdigest())


def _charge(path: Path) -> Rows:
    """Charges; a current flows as long as the pulse lasts."""
    if path.name == CHARGE:
        return read_rows(path, {"stored": "V", "width": "s", "charge": "C"})
    rows = read_rows(path, {"stored": "V", "width": "s", "current": "A"})
    columns = dict(rows.columns)
    columns["charge"] = columns.pop("current") * columns["width"]
    return Rows(rows.labels, columns, rows.gaps)
