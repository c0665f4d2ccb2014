"""Reads the ledger's TOML file: commands, entries and contradictions, each checked on its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gaincell.tables import (
    Table,
    build,
    choice,
    flag,
    is_number,
    nearest,
    number,
    read_toml,
    string,
    unknown_key,
)

NAME = re.compile(r"[a-z][a-z0-9-]*")
SENSES = ("equal", "at most", "at least")
TABLES = ("root", "command", "entry", "contradiction")


def is_quantity(value: object) -> bool:
    listed = value if isinstance(value, tuple) and value else (value,)
    return all(is_number(each) and math.isfinite(each) for each in listed)


def _quantity(**options: Any) -> Any:
    """Field of a finite number or several; with a default also None, or a source."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if options and (value is None or (isinstance(value, str) and ":" in value)):
            return None
        source = ', or a source such as "config:latency_ns"' if options else ""
        return None if is_quantity(value) else (True, f"a number or a list of numbers{source}")

    return field(metadata={"rule": rule}, **options)


def numbers_field() -> Any:
    """Field of a table of names, each a number or a source; or None."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if value is None:
            return None
        fine = isinstance(value, dict) and all(
            each.isidentifier() and (isinstance(entry, str) or is_number(entry))
            for each, entry in value.items()
        )
        return None if fine else (True, "a table of names, each a number or a source")

    return field(default=None, metadata={"rule": rule})


def _sentences() -> Any:
    def rule(value: Any) -> tuple[bool, str] | None:
        fine = isinstance(value, tuple) and value and all(isinstance(each, str) for each in value)
        return None if fine else (True, "a list of sentences, not empty")

    return field(metadata={"rule": rule})


@dataclass(frozen=True, kw_only=True)
class Command(Table):
    """[command.NAME]: a command that gives some of our values."""

    run: str = string()
    """As typed in the folder of the project."""
    makes: str = string()
    """What the command gives or needs."""
    here: bool = flag(False)
    """The command needs nothing but packages of pip: ``make paper`` runs it."""


@dataclass(frozen=True, kw_only=True)
class Entry(Table):
    """[[entry]]: one figure of the paper, and ours. Sentences may hold {expressions}."""

    id: str = string()
    topic: str = string()
    what: str = string()
    place: str = string()
    """Where the figure stands in the paper or its public code."""
    paper: float | tuple[float, ...] = _quantity()
    unit: str | None = string(None)
    command: str = string()
    """Name of the command that gives ours, or would give it."""
    ours: float | tuple[float, ...] | str | None = _quantity(default=None)
    """A source, or a number that was measured by hand; None: not rerun."""
    provenance: str | None = string(None)
    """Where a number that was measured by hand comes from."""
    numbers: Mapping[str, float | str] | None = numbers_field()
    """Names for the expressions in ``ours`` and in sentences."""
    tolerance: float | None = number(None, low=0.0, none=True)
    """Relative to the paper's figure, or to ``scale``."""
    because: str | None = string(None)
    """Why this tolerance is allowed."""
    scale: float | None = number(None, above=0.0, none=True)
    sense: str = choice("equal", SENSES)
    """How our value must compare with the paper's figure, within the tolerance."""
    built: str | None = string(None)
    """The constants of the paper from which our value is built."""
    why: str | None = string(None)
    """Why our value differs."""
    needs: str | None = string(None)
    """What a rerun would take."""
    note: str | None = string(None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))

    def _problems(self) -> Iterable[str]:
        if not NAME.fullmatch(self.id):
            yield f'id is "{self.id}", but must be of small letters, digits and hyphens'
        judged = ("provenance", "tolerance", "because", "built", "why")
        if self.ours is None:
            if self.needs is None:
                yield "ours is missing, so that needs must say what it would take"
            for name in judged:
                if getattr(self, name) is not None:
                    yield f"{name} is given, but there is no ours that it could be about"
            return
        if self.needs is not None:
            yield "needs is given, but so is ours"
        for name in ("tolerance", "because"):
            if getattr(self, name) is None:
                yield f"{name} is missing, but must be given beside ours"
        if isinstance(self.ours, str) == (self.provenance is not None):
            yield "provenance must be given if ours is a number, and only then"
        papers = self.paper if isinstance(self.paper, tuple) else (self.paper,)
        if self.scale is None and 0 in papers:
            yield "paper is 0, so that scale must say what tolerance is relative to"


@dataclass(frozen=True, kw_only=True)
class Contradiction(Table):
    """[[contradiction]]: numbers of the paper that do not fit. Sentences may hold {expressions}."""

    id: str = string()
    what: str = string()
    place: str = string()
    arithmetic: tuple[str, ...] = _sentences()
    holds: str = string()
    """A comparison that is true as long as the numbers do not fit."""
    so: str = string()
    """The conclusion."""
    numbers: Mapping[str, float | str] | None = numbers_field()


@dataclass(frozen=True, kw_only=True)
class Book:
    """The whole file; its paths are relative to ``root``."""

    root: Path
    commands: dict[str, Command]
    entries: tuple[Entry, ...]
    contradictions: tuple[Contradiction, ...]


def read_book(path: Path) -> Book:
    """Read and check the TOML file.

    Raises
    ------
    ValueError
        The file cannot be read or is wrong. One message names all problems.
    """
    tables = read_toml(path, "ledger")
    problems = [unknown_key(key, TABLES) for key in tables if key not in TABLES]
    commands = named_tables(Command, tables, "command", "NAME", problems)
    entries = all_of(Entry, tables.get("entry", []), "entry", problems)
    contradictions = all_of(
        Contradiction, tables.get("contradiction", []), "contradiction", problems
    )
    problems += [
        f'[entry {each.id}] unknown command "{each.command}"{nearest(each.command, commands)}'
        for each in entries
        if each.command not in commands
    ]
    problems += repeated([each.id for each in entries] + [each.id for each in contradictions])
    if problems:
        raise ValueError(f"ledger {path}: " + "; ".join(problems))
    return Book(
        root=root_of(tables, path),
        commands={name: each for name, each in commands.items() if each},
        entries=entries,
        contradictions=contradictions,
    )


def root_of(tables: Mapping[str, object], path: Path) -> Path:
    """The folder that the paths of a file are relative to.

    Raises
    ------
    ValueError
        ``root`` is no folder's name.
    """
    root = tables.get("root", ".")
    if not isinstance(root, str):
        raise ValueError(f"ledger {path}: root is {root!r}, but must be a folder's name")
    return path.parent / root


def repeated(labels: Iterable[str]) -> list[str]:
    """Sentences on ids that are used more than once."""
    labels = list(labels)
    return [
        f'id "{each}" is used twice' for each in dict.fromkeys(labels) if labels.count(each) > 1
    ]


T = TypeVar("T")


def named_tables(
    kind: type[T], tables: Mapping[str, object], name: str, key: str, problems: list[str]
) -> dict[str, T | None]:
    """Tables [``name``.``key``] as ``kind``, by key; None and a problem for a wrong one."""
    given = tables.get(name, {})
    if not isinstance(given, dict):
        problems.append(f"{name} must be tables [{name}.{key}]")
        return {}
    return {each: made(kind, table, f"{name}.{each}", problems) for each, table in given.items()}


def all_of(kind: type[T], tables: object, name: str, problems: list[str]) -> tuple[T, ...]:
    """Tables [[``name``]] as ``kind``; those that are wrong are left out and added to problems."""
    if not isinstance(tables, list):
        problems.append(f"{name} must be tables [[{name}]]")
        return ()
    names = [
        str(table.get("id", number)) if isinstance(table, dict) else str(number)
        for number, table in enumerate(tables, 1)
    ]
    built = [
        made(kind, table, f"{name} {label}", problems)
        for label, table in zip(names, tables, strict=True)
    ]
    return tuple(each for each in built if each is not None)


def made(kind: type[T], table: object, name: str, problems: list[str]) -> T | None:
    """The table [``name``] as ``kind``; None and a sentence in ``problems`` if it is wrong."""
    try:
        return build(kind, table, name)
    except (TypeError, ValueError) as error:
        problems.append(str(error))
        return None
