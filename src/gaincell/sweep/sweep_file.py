"""The sweep file: what is fixed, what varies and how, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaincell.config_file import read_table
from gaincell.sweep.draws import Draws, Range, drawn, grid_of, rows_of
from gaincell.sweep.metrics import METRICS
from gaincell.sweep.settings import CONFIG, NAMES, TABLES
from gaincell.tables import build, nearest, read_toml, shown, unknown_keys

GRID, LIST, DRAWS, HEAD_TABLE = "grid", "list", "draws", "head"
METRICS_KEY, PARETO = "metrics", "pareto"
KEYS = (CONFIG, METRICS_KEY, PARETO, GRID, LIST, DRAWS, HEAD_TABLE, *TABLES)
MOST_POINTS = 1 << 17


@dataclass(frozen=True)
class Sweep:
    """A sweep file, read and checked.

    folder : relative paths of files begin there
    fixed : values that all points have, by name
    points : values that vary, by name, of each point
    metrics : names of ``gaincell.sweep.metrics.METRICS``
    pareto : pairs of metrics, a picture each
    """

    folder: Path
    fixed: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]]
    metrics: tuple[str, ...]
    pareto: tuple[tuple[str, str], ...] = field(default=())

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of what varies, in the order of the file."""
        return tuple(self.points[0]) if self.points else ()


def read_sweep(path: Path) -> Sweep:
    """The sweep in the TOML file ``path``.

    Raises
    ------
    ValueError, TypeError
        It cannot be read, has an unknown key, metric or name, or makes no points or too many.
    """
    table = read_toml(path, "sweep")
    try:
        return _sweep_of(table, path.parent.absolute())
    except (TypeError, ValueError) as error:
        raise type(error)(f"sweep {path}: {error}") from error


def _sweep_of(table: Mapping[str, Any], folder: Path) -> Sweep:
    if unknown := unknown_keys(table, KEYS):
        raise ValueError("; ".join(unknown))
    metrics = _metrics(table.get(METRICS_KEY))
    grid, rows = (_named(table.get(name, {}), name) for name in (GRID, LIST))
    how, ranges = _draws(table.get(DRAWS))
    fixed = _fixed(table)
    varied = [*grid, *rows, *ranges]
    if twice := [name for name in varied if name in fixed or varied.count(name) > 1]:
        raise ValueError(f"{twice[0]} is set twice: fix it, or vary it in one of the tables")
    parts = [grid_of(grid), rows_of(rows), drawn(how, ranges)]
    count = len(parts[0]) * len(parts[1]) * len(parts[2])
    if not varied:
        raise ValueError(f"nothing varies: give a table [{GRID}], [{LIST}] or [{DRAWS}]")
    if count > MOST_POINTS:
        raise ValueError(f"it makes {count} points, but at most {MOST_POINTS} are possible")
    points = [{**a, **b, **c} for a in parts[0] for b in parts[1] for c in parts[2]]
    for name in {fixed.get(CONFIG), *(point.get(CONFIG) for point in points)} - {None}:
        read_table(located(name, folder))
    return Sweep(folder, fixed, points, metrics, _pareto(table.get(PARETO), metrics))


def located(config: Any, folder: Path) -> str:
    """A preset's name as it is, a config file's relative to ``folder``."""
    if not isinstance(config, str):
        raise TypeError(f"config is {shown(config)}, but must be a preset's name or a TOML file")
    return str(folder / config) if config.endswith(".toml") else config


def _metrics(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise TypeError(f"{METRICS_KEY} must be a list of some of {', '.join(METRICS)}")
    for name in names:
        if name not in METRICS:
            known = f"known: {', '.join(METRICS)}"
            raise ValueError(f"unknown metric {shown(name)}{nearest(name, METRICS)}; {known}")
    return tuple(dict.fromkeys(names))


def _named(table: Any, where: str) -> dict[str, list[Any]]:
    """A table of lists under names that can vary; a single value is a list of one."""
    _check_names(table, where)
    lists = {name: value if isinstance(value, list) else [value] for name, value in table.items()}
    for name, values in lists.items():
        if not values:
            raise ValueError(f"[{where}] {name} has no values")
    return lists


def _check_names(table: Any, where: str) -> None:
    if not isinstance(table, dict):
        raise TypeError(f"{where} is {shown(table)}, but must be a table [{where}]")
    for name in table:
        if name in TABLES:
            raise ValueError(
                f"[{where}] {name} is a table: a field of it varies under a name in quotes, such "
                f'as "{name}.{next(iter(NAMES_OF[name]))}"'
            )
        if name not in NAMES:
            raise ValueError(f"[{where}] has the unknown name {shown(name)}{nearest(name, NAMES)}")


NAMES_OF = {
    table: [name.partition(".")[2] for name in NAMES if name.startswith(f"{table}.")]
    for table in TABLES
}


def _draws(table: Any) -> tuple[Draws, dict[str, Range]]:
    """How points are drawn, and the range of each name; no ranges without a table."""
    if table is None:
        return Draws(count=1), {}
    if not isinstance(table, dict) or not isinstance(ranges := table.get("range"), dict):
        raise TypeError(f"[{DRAWS}] needs a table [{DRAWS}.range] of the names that are drawn")
    _check_names(ranges, f"{DRAWS}.range")
    if not ranges:
        raise ValueError(f"[{DRAWS}.range] is empty: nothing would be drawn")
    how = build(Draws, {key: value for key, value in table.items() if key != "range"}, DRAWS)
    return how, {
        name: build(Range, each, f'{DRAWS}.range."{name}"') for name, each in ranges.items()
    }


def _fixed(table: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the tables of settings, under their names."""
    fixed = {CONFIG: table[CONFIG]} if CONFIG in table else {}
    for where in (HEAD_TABLE, *TABLES):
        own = table.get(where, {})
        if not isinstance(own, dict):
            raise TypeError(f"{where} is {shown(own)}, but must be a table [{where}]")
        names = {key: key if where == HEAD_TABLE else f"{where}.{key}" for key in own}
        known = [n for n in NAMES if "." not in n] if where == HEAD_TABLE else NAMES_OF[where]
        for key, name in names.items():
            if name not in NAMES:
                raise ValueError(f"[{where}] has the unknown key {shown(key)}{nearest(key, known)}")
            fixed[name] = own[key]
    return fixed


def _pareto(pairs: Any, metrics: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of metrics; by default the first with each of the others."""
    if pairs is None:
        return tuple((metrics[0], other) for other in metrics[1:])
    fine = isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and set(pair) <= set(metrics) for pair in pairs
    )
    if not fine:
        raise TypeError(f"{PARETO} must be a list of pairs of the metrics {', '.join(metrics)}")
    return tuple((pair[0], pair[1]) for pair in pairs)
