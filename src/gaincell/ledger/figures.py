"""The figures of each attention accelerator: looked up, in one unit each, and converted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gaincell.ledger.arithmetic import evaluate, fill
from gaincell.ledger.conversions import Figure, Mark, complete, in_unit
from gaincell.ledger.others import ABSENT, Cell, Number, Others, Sizes, System, read_others
from gaincell.ledger.sources import look_up

COLUMNS = ("energy", "queries", "efficiency", "latency")
"""Figures that every row shows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One system with its figures, published and converted; its notes have their numbers."""

    system: System
    figures: dict[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """All rows, what was read, and the sizes of the head that conversions assume."""

    others: Others
    rows: list[Row]
    sizes: dict[str, float]

    def count(self) -> dict[str, int]:
        """How many systems there are, and how many of their figures are what."""
        shown = [row.figures.get(name) for row in self.rows for name in COLUMNS]
        return {
            "systems": len(self.rows),
            "published": sum(each is not None and each.by is None for each in shown),
            "converted": sum(each is not None and each.by is not None for each in shown),
            ABSENT: shown.count(None),
        }

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON: the cells as they are published, and the figures that follow."""
        return {
            "sources": {key: asdict(each) for key, each in self.others.sources.items()},
            "sizes": self.sizes,
            "systems": [
                asdict(row.system)
                | {"figures": {name: asdict(each) for name, each in row.figures.items()}}
                for row in self.rows
            ],
        }


def read_survey(path: Path) -> Survey:
    """Read the file of systems, find this project's figures and convert all.

    Raises
    ------
    ValueError
        The file is wrong, a source names nothing, or a figure is not above 0. One message names
        all problems.
    """
    others = read_others(path)
    head = {name: _ends(f"config:{key}", others)[1] for name, key in HEAD.items()} | {"heads": 1.0}
    problems: list[str] = []
    rows = []
    for system in others.systems:
        try:
            rows.append(_row(system, head, others))
        except ValueError as error:
            problems.append(f"[system {system.id}] {error}")
    if problems:
        raise ValueError(f"ledger {path}: " + "; ".join(problems))
    return Survey(others=others, rows=rows, sizes=head)


HEAD = {"head_dim": "head_dim", "keys": "window"}
"""Sizes of a head, by the figure of the default configuration that has them."""


def _row(system: System, head: dict[str, float], others: Others) -> Row:
    published = {name: _figure(name, cell, others) for name, cell in system.numbers.items()}
    sizes = head
    if isinstance(system.sizes, Sizes):
        sizes = {name: getattr(system.sizes, name) for name in head}
    figures = complete(published, sizes)
    names = sizes | {name: each.high for name, each in figures.items() if each.low == each.high}
    cells: dict[str, Any] = {name: _filled(cell, names) for name, cell in system.cells.items()}
    note = system.note and fill(system.note, names)
    return Row(system=replace(system, note=note, **cells), figures=figures)


def _filled(cell: Cell, names: dict[str, float]) -> Cell:
    return cell if cell.note is None else replace(cell, note=fill(cell.note, names))


def _figure(name: str, cell: Number, others: Others) -> Figure:
    try:
        low, high = _ends(cell.value, others, cell.numbers or {})
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if low <= 0 or high < low:
        raise ValueError(f"{name} is {low:g}..{high:g}, but must be above 0 and ascend")
    return in_unit(name, low, high, cell.unit, Mark(cell.mark))


def _ends(value: Any, others: Others, numbers: Any = None) -> tuple[float, float]:
    """Both ends of a value that is given, or that a source or a formula names."""
    if not isinstance(value, str):
        return (value[0], value[1]) if isinstance(value, tuple) else (float(value), float(value))
    kind, _, formula = value.partition(":")
    if kind != "formula":
        found = look_up(value, others.root)
        if len(found.values) != 1:
            raise ValueError(f'source "{value}" is {len(found.values)} numbers, but must be one')
        return (found.low or found.values)[0], found.values[0]
    ends = {name: _ends(each, others) for name, each in (numbers or {}).items()}
    lows = {name: low for name, (low, _) in ends.items()}
    highs = {name: high for name, (_, high) in ends.items()}
    return float(evaluate(formula, lows)), float(evaluate(formula, highs))
