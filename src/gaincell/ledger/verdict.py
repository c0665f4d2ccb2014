"""Compares our values with the paper's figures and computes the verdicts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gaincell.ledger.arithmetic import evaluate, fill
from gaincell.ledger.entries import Command, Contradiction, Entry, read_book
from gaincell.ledger.sources import Ours
from gaincell.ledger.values import Values, numbers_of

ROUNDING = 1e-12
"""Rounding error of a relative distance, far below any digit of the paper."""


class Verdict(StrEnum):
    """How a figure of the paper fares."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    BUILT = "built from the paper's own constant"
    NOT_RERUN = "not rerun"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One entry with its verdict; its sentences have their numbers.

    ours : our value; None: not rerun
    off : relative distance of our value from the paper's, the largest of several; None: not rerun
    """

    entry: Entry
    command: Command
    ours: Ours | None
    off: float | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All rows, all contradictions with their numbers, and all commands by name."""

    rows: list[Row]
    contradictions: list[Contradiction]
    commands: dict[str, Command]

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON: keys of the entries, and ours, off, verdict."""
        return {
            "entries": [_row_as_json(row) for row in self.rows],
            "contradictions": [asdict(each) for each in self.contradictions],
            "commands": {name: asdict(each) for name, each in self.commands.items()},
        }


def read_ledger(path: Path) -> Ledger:
    """Read a ledger, find all of our values and judge them.

    Raises
    ------
    ValueError
        The file is wrong, a source names nothing, an entry differs without a reason, or a
        contradiction is none. One message names all problems.
    """
    book = read_book(path)
    if not book.entries and not book.contradictions:
        raise ValueError(f"ledger {path} has no table [[entry]]")
    values = Values(book)
    problems: list[str] = []
    rows, contradictions = [], []
    for entry in book.entries:
        try:
            rows.append(_judged(entry, values))
        except ValueError as error:
            problems.append(f"[entry {entry.id}] {error}")
    for each in book.contradictions:
        try:
            contradictions.append(_shown(each, values))
        except ValueError as error:
            problems.append(f"[contradiction {each.id}] {error}")
    if problems:
        raise ValueError(f"ledger {path}: " + "; ".join(problems))
    return Ledger(rows=rows, contradictions=contradictions, commands=book.commands)


def distance(entry: Entry, ours: Ours) -> float:
    """Relative distance of our value from the paper's on the wrong side, the largest of several."""
    papers = numbers_of(entry.paper)
    if len(papers) != len(ours.values):
        raise ValueError(f"paper has {len(papers)} numbers, but ours {len(ours.values)}")
    offs = [
        (value - paper) / (entry.scale or abs(paper))
        for value, paper in zip(ours.values, papers, strict=True)
    ]
    match entry.sense:
        case "at most":
            return max(offs)
        case "at least":
            return max(-off for off in offs)
    return max(offs, key=abs)


def judge(entry: Entry, ours: Ours) -> Verdict:
    """The verdict on our value beside the figure of ``entry``.

    Raises
    ------
    ValueError
        The value differs and ``why`` is missing, or it agrees and ``why`` is there, or it is built
        from the paper's own number and ``built`` is missing.
    """
    assert entry.tolerance is not None, "an entry with ours has a tolerance"
    off = distance(entry, ours)
    off = abs(off) if entry.sense == "equal" else off
    if off > entry.tolerance + ROUNDING:
        if entry.why is None:
            raise ValueError(
                f"ours is off by {off:.2g} of the paper's, over the tolerance of "
                f"{entry.tolerance:g}, so that why must say why it differs"
            )
        return Verdict.DIFFERS
    if entry.why is not None:
        raise ValueError("why says why it differs, but ours is within the tolerance")
    if ours.built and entry.built is None:
        raise ValueError("ours is built from the paper's own number: built must say from which")
    return Verdict.REPRODUCED if entry.built is None else Verdict.BUILT


def _judged(entry: Entry, values: Values) -> Row:
    ours = values.ours(entry)
    names = values.names(entry.numbers or {})
    if ours is not None and len(ours.values) == 1:
        names["ours"] = ours.values[0]
    if not isinstance(entry.paper, tuple):
        names["paper"] = entry.paper
    verdict = Verdict.NOT_RERUN if ours is None else judge(entry, ours)
    sentences = ("because", "built", "why", "needs", "note", "provenance")
    given = {name: getattr(entry, name) for name in sentences}
    filled: dict[str, Any] = {name: text and fill(text, names) for name, text in given.items()}
    return Row(
        entry=replace(entry, **filled),
        command=values.command(entry.command),
        ours=ours,
        off=None if ours is None else distance(entry, ours),
        verdict=verdict,
    )


def _shown(each: Contradiction, values: Values) -> Contradiction:
    names = values.names(each.numbers or {})
    if evaluate(each.holds, names) is not True:
        raise ValueError(f'"{each.holds}" is not true: it adds up, or is no comparison')
    arithmetic = tuple(fill(line, names) for line in each.arithmetic)
    return replace(each, arithmetic=arithmetic, so=fill(each.so, names))


def _row_as_json(row: Row) -> dict[str, Any]:
    return asdict(row.entry) | {
        "run": row.command.run,
        "here": row.command.here,
        "source": row.entry.ours if isinstance(row.entry.ours, str) else None,
        "ours": None if row.ours is None else list(row.ours.values),
        "low": None if row.ours is None or row.ours.low is None else list(row.ours.low),
        "off": row.off,
        "verdict": str(row.verdict),
    }
