"""The sweep file: what is fixed, what varies and how, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from gaincell.config_file import read_table
from gaincell.sweep.draws import Draws, Range, drawn, grid_of, rows_of
from gaincell.sweep.metrics import METRICS, OF_ENERGIES, PERPLEXITY
from gaincell.sweep.named import NAMED, named_points
from gaincell.sweep.settings import CONFIG, NAMES, TABLES
from gaincell.tables import build, nearest, read_toml, shown, unknown_keys

GRID, LIST, DRAWS, HEAD_TABLE = "grid", "list", "draws", "head"
METRICS_KEY, PARETO = "metrics", "pareto"
NAMED_ONLY, SHADE, MARK = "named_only", "shade", "mark"
KEYS = (
    *(CONFIG, METRICS_KEY, NAMED_ONLY, PARETO, SHADE, MARK),
    *(GRID, LIST, DRAWS, NAMED, HEAD_TABLE, *TABLES),
)
MOST_POINTS = 1 << 17


@dataclass(frozen=True)
class Sweep:
    """A sweep file, read and checked.

    folder : relative paths of files begin there
    fixed : values that all points have, by name
    points : values that vary, by name, of each point
    metrics : names of ``gaincell.sweep.metrics.METRICS``
    pareto : pairs of metrics, a picture each
    names : of each point; "" of those that have none
    named_only : metrics that only points with a name have
    shade : metric that colours the points of the pictures
    mark : names that stand in the pictures
    """

    folder: Path
    fixed: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]]
    metrics: tuple[str, ...]
    pareto: tuple[tuple[str, str], ...] = field(default=())
    names: Sequence[str] = field(default=())
    named_only: tuple[str, ...] = ()
    shade: str | None = None
    mark: tuple[str, ...] = ()

    def name_of(self, number: int) -> str:
        """The name of a point, "" if it has none."""
        return self.names[number] if self.names else ""

    def metrics_of(self, number: int) -> tuple[str, ...]:
        """The metrics that a point shall have."""
        if self.name_of(number):
            return self.metrics
        return tuple(name for name in self.metrics if name not in self.named_only)

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
    grid, lists = _values(table.get(GRID, {}), GRID), _lists(table.get(LIST, []))
    how, ranges = _draws(table.get(DRAWS))
    fixed = _fixed(table)
    varied = [*grid, *(name for rows in lists for name in rows), *ranges]
    if twice := [name for name in varied if name in fixed or varied.count(name) > 1]:
        raise ValueError(f"{twice[0]} is set twice: fix it, or vary it in one of the tables")
    parts = [grid_of(grid), *(rows_of(rows) for rows in lists), drawn(how, ranges)]
    count = prod(map(len, parts)) if varied else 0
    names, singles = named_points(_checked_named(table.get(NAMED, {})), varied, fixed)
    if not varied and not singles:
        raise ValueError(
            f"nothing varies: give a table [{GRID}], [{LIST}], [{DRAWS}] or [{NAMED}.NAME]"
        )
    if count + len(singles) > MOST_POINTS:
        raise ValueError(
            f"it makes {count + len(singles)} points, but at most {MOST_POINTS} are possible"
        )
    points = [_merged(each) for each in product(*parts)] if varied else []
    points += singles
    _check_measurable(metrics, {*fixed, *(name for point in points for name in point)})
    for name in {fixed.get(CONFIG), *(point.get(CONFIG) for point in points)} - {None}:
        read_table(located(name, folder))
    named_only = _some_metrics(table, NAMED_ONLY, metrics) if NAMED_ONLY in table else ()
    if named_only and not names:
        raise ValueError(f"{NAMED_ONLY} is given, but no point is in [{NAMED}]")
    shade = _some_metrics({SHADE: [table[SHADE]]}, SHADE, metrics)[0] if SHADE in table else None
    return Sweep(
        folder,
        fixed,
        points,
        metrics,
        _pareto(table.get(PARETO), metrics),
        ["" for _ in range(count)] + names,
        named_only,
        shade,
        _marks(table.get(MARK, names), names),
    )


def _marks(marks: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Names for the pictures; by default all."""
    if not isinstance(marks, list) or not all(isinstance(name, str) for name in marks):
        raise TypeError(f"{MARK} must be a list of names of points in [{NAMED}]")
    for name in marks:
        if name not in names:
            raise ValueError(
                f"{MARK} has {shown(name)}, no name in [{NAMED}]{nearest(name, names)}"
            )
    return tuple(marks)


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


def _check_measurable(metrics: tuple[str, ...], given: set[str]) -> None:
    """Raise ValueError if no point can have a metric, as the file lacks what it is measured on."""
    for name in metrics:
        if PERPLEXITY in METRICS[name].needs and not {"model.model", "model.texts"} <= given:
            raise ValueError(f"the metric {name} needs model and texts in [model]")
        if name in OF_ENERGIES and not {"synth.liberty", "synth.shipped"} & given:
            raise ValueError(
                f"the metric {name} needs energies of cells: give [synth] liberty, or take "
                "analog_energy"
            )


def _some_metrics(table: Mapping[str, Any], key: str, metrics: tuple[str, ...]) -> tuple[str, ...]:
    names = table[key]
    if not isinstance(names, list) or not all(name in metrics for name in names):
        raise TypeError(f"{key} must be of the metrics {', '.join(metrics)}")
    return tuple(names)


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def _checked_named(tables: Any) -> Any:
    if isinstance(tables, dict):
        for name, own in tables.items():
            _check_names(own, f"{NAMED}.{name}")
    return tables


def _lists(tables: Any) -> list[dict[str, list[Any]]]:
    """One table [list], or several [[list]], each with rows of its own."""
    several = tables if isinstance(tables, list) else [tables]
    return [_values(table, LIST) for table in several]


def _values(table: Any, where: str) -> dict[str, list[Any]]:
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
