"""The table of a sweep: one row for each point, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gaincell.files import replacing
from gaincell.sweep.metrics import METRICS
from gaincell.sweep.pareto import front
from gaincell.sweep.run import Row
from gaincell.sweep.sweep_file import Sweep

CSV, PARQUET = "table.csv", "table.parquet"
POINT, NAME, FRONT, REASON = "point", "name", "pareto", "reason"

Columns = Mapping[str, Sequence[Any]]


def columns_of(sweep: Sweep, rows: Sequence[Row]) -> Columns:
    """The table: number of each point, what varies, metrics, front of all metrics, reason.

    Points have a column of names if any has one.
    A list, such as a cell's coefficients, is a string of JSON.
    """
    columns: dict[str, Sequence[Any]] = {POINT: list(range(len(rows)))}
    if any(row.name for row in rows):
        columns[NAME] = [row.name for row in rows]
    for name in sweep.varied:
        columns[name] = _plain([row.values[name] for row in rows])
    for name in sweep.metrics:
        columns[METRICS[name].column] = [row.metrics[name] for row in rows]
    return columns | {
        FRONT: front(rows, sweep.metrics),
        REASON: [row.reason for row in rows],
    }


def _plain(values: Sequence[Any]) -> list[Any]:
    """Values of one type that both formats know: numbers, truths or strings."""
    if all(type(value) is bool for value in values) or all(type(value) is int for value in values):
        return list(values)
    if all(type(value) in (int, float) for value in values):
        return [float(value) for value in values]
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def write_table(columns: Columns, folder: Path) -> None:
    """Write ``CSV`` and ``PARQUET`` in ``folder``.

    Raises
    ------
    OSError
        The disk is full, or the folder cannot be written to.
    """
    import pyarrow
    from pyarrow import parquet

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    with replacing(folder / CSV) as unfinished:
        unfinished.write_text(text.getvalue(), encoding="utf-8")
    whole = {name: list(values) for name, values in columns.items()}
    for metric in METRICS.values():
        if metric.column in whole:
            whole[metric.column] = pyarrow.array(whole[metric.column], pyarrow.float64())
    with replacing(folder / PARQUET) as unfinished:
        parquet.write_table(pyarrow.table(whole), unfinished)
