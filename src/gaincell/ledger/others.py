"""Reads the TOML file of attention accelerators: systems, each cell with its source.

A cell is a text or a figure with a source and a place in it, or "not published".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaincell.ledger.conversions import UNITS, Mark
from gaincell.ledger.entries import (
    all_of,
    is_quantity,
    made,
    named_tables,
    numbers_field,
    repeated,
    root_of,
)
from gaincell.tables import Table, choice, nearest, number, read_toml, string, unknown_key

ABSENT = "not published"
READ = {
    "paper": "the paper",
    "ledger": "the paper's figures as the [reproduction ledger](reproduction.md) has them",
    "abstract": "the abstract alone",
    "notes": "notes or a summary by others, not checked against the paper",
    "repository": "the authors' public files",
    "project": "files of this project",
}
"""How much of a source was read."""
KNOWN = ("measured", "simulated", "estimated", "not said")
TEXTS = ("technology", "boundary", "known", "loss", "beside")
FIGURES = ("energy", "layer", "queries", "efficiency", "latency")
TABLES = ("root", "source", "system")


def holds_systems(path: Path) -> bool:
    """Whether a TOML file is one of systems, not one of the paper's figures."""
    return "system" in read_toml(path, "ledger")


@dataclass(frozen=True, kw_only=True)
class Source(Table):
    """[source.KEY]: what was read."""

    cite: str = string()
    link: str | None = string(None)
    read: str = choice("abstract", tuple(READ))


@dataclass(frozen=True, kw_only=True)
class Cell(Table):
    """What every cell has."""

    source: str = string()
    """A key of [source]."""
    place: str = string()
    """Where it stands in the source."""
    note: str | None = string(None)


@dataclass(frozen=True, kw_only=True)
class Words(Cell):
    """A cell of words."""

    text: str = string()


@dataclass(frozen=True, kw_only=True)
class Number(Cell):
    """A cell of a figure: a number, both ends of a band, or where this project has it."""

    value: float | tuple[float, ...] | str = field(
        metadata={
            "rule": lambda value: (
                None
                if (isinstance(value, str) and ":" in value)
                or (is_quantity(value) and (not isinstance(value, tuple) or len(value) == 2))
                else (True, 'a number, [low, high], or a source such as "config:latency_ns"')
            )
        }
    )
    unit: str = string()
    """As published."""
    mark: str = choice("", tuple(Mark))
    numbers: Mapping[str, float | str] | None = numbers_field()
    """Names for the expression of a ``value`` that begins with "formula:"."""


@dataclass(frozen=True, kw_only=True)
class Sizes(Cell):
    """The heads that a published energy is of."""

    head_dim: float = number(above=0)
    keys: float = number(above=0)
    heads: float = number(1, above=0)


def _cell(kind: type[Cell], *, none: bool = False) -> dict[str, Any]:
    """Metadata of a field of a cell; ``none``: the row may leave it out."""

    def rule(value: Any) -> tuple[bool, str] | None:
        fine = isinstance(value, kind) or value == ABSENT or (none and value is None)
        return None if fine else (True, f'a table with source and place, or "{ABSENT}"')

    return {"rule": rule}


@dataclass(frozen=True, kw_only=True)
class System(Table):
    """[[system]]: one row. Its notes may hold {expressions} over its figures."""

    id: str = string()
    name: str = string()
    technology: Words | str = field(metadata=_cell(Words))
    boundary: Words | str = field(metadata=_cell(Words))
    """What its figures count."""
    known: Words | str = field(metadata=_cell(Words))
    """Measured, simulated or estimated, and how."""
    loss: Words | str = field(metadata=_cell(Words))
    """Model, and what it loses on this hardware."""
    beside: Words | str = field(metadata=_cell(Words))
    """What it was compared with where it was published."""
    energy: Number | str = field(metadata=_cell(Number))
    """Per token and head."""
    layer: Number | str | None = field(default=None, metadata=_cell(Number, none=True))
    """Energy of one token in all heads of a layer."""
    queries: Number | str = field(metadata=_cell(Number))
    efficiency: Number | str = field(metadata=_cell(Number))
    latency: Number | str = field(metadata=_cell(Number))
    """Of one token."""
    sizes: Sizes | str | None = field(default=None, metadata=_cell(Sizes, none=True))
    note: str | None = string(None)

    def problems_together(self) -> list[str]:
        return list(self._problems())

    def _problems(self) -> Iterable[str]:
        if isinstance(self.known, Words) and not self.known.text.startswith(KNOWN):
            yield f"known must begin with {', '.join(KNOWN[:-1])} or {KNOWN[-1]}"
        for name, cell in self.numbers.items():
            if cell.unit not in UNITS[name]:
                units = ", ".join(UNITS[name])
                yield f'{name} has the unit "{cell.unit}", but must be in one of {units}'
        if {"energy", "layer", "queries"} & set(self.numbers) and not isinstance(self.sizes, Sizes):
            yield "sizes must say of which heads the energy or the queries are"

    @property
    def cells(self) -> dict[str, Cell]:
        """The cells that are published, by name."""
        each = {name: getattr(self, name) for name in (*TEXTS, *FIGURES, "sizes")}
        return {name: cell for name, cell in each.items() if isinstance(cell, Cell)}

    @property
    def numbers(self) -> dict[str, Number]:
        """The figures that are published, by name."""
        return {name: cell for name, cell in self.cells.items() if isinstance(cell, Number)}


@dataclass(frozen=True, kw_only=True)
class Others:
    """The whole file; its paths are relative to ``root``."""

    root: Path
    sources: dict[str, Source]
    systems: tuple[System, ...]


def read_others(path: Path) -> Others:
    """Read and check the TOML file.

    Raises
    ------
    ValueError
        The file cannot be read or is wrong. One message names all problems.
    """
    tables = read_toml(path, "ledger")
    problems = [unknown_key(key, TABLES) for key in tables if key not in TABLES]
    sources = named_tables(Source, tables, "source", "KEY", problems)
    rows = tables.get("system", [])
    if isinstance(rows, list):
        rows = [_with_cells(row, problems) for row in rows]
    systems = all_of(System, rows, "system", problems)
    problems += repeated(each.id for each in systems)
    used = {cell.source for each in systems for cell in each.cells.values()}
    problems += [
        f'[system {each.id}] {name} has the unknown source "{cell.source}"'
        f"{nearest(cell.source, sources)}"
        for each in systems
        for name, cell in each.cells.items()
        if cell.source not in sources
    ]
    if not problems:
        problems += [f'source "{key}" is used nowhere' for key in sources if key not in used]
    if problems:
        raise ValueError(f"ledger {path}: " + "; ".join(problems))
    return Others(
        root=root_of(tables, path),
        sources={key: each for key, each in sources.items() if each},
        systems=systems,
    )


def _with_cells(row: object, problems: list[str]) -> object:
    """A table of a row in which the tables of its cells are cells."""
    if not isinstance(row, dict):
        return row
    kinds = dict.fromkeys(TEXTS, Words) | dict.fromkeys(FIGURES, Number) | {"sizes": Sizes}
    label = f"system {row.get('id', '')}".strip()
    return row | {
        name: made(kind, row[name], f"{label}, {name}", problems) or ABSENT
        for name, kind in kinds.items()
        if isinstance(row.get(name), dict)
    }
