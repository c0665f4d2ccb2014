"""Writes the ledger as a page of the documentation, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from gaincell.ledger.arithmetic import shown
from gaincell.ledger.entries import Contradiction
from gaincell.ledger.values import numbers_of
from gaincell.ledger.verdict import Ledger, Row, Verdict
from gaincell.text import markdown

MEANINGS = {
    Verdict.REPRODUCED: "our value agrees within the tolerance and does not come from the paper",
    Verdict.DIFFERS: "our value does not agree; the entry gives the reason",
    Verdict.BUILT: "our value comes from the paper: that it agrees proves nothing",
    Verdict.NOT_RERUN: "there is no value of ours; the entry says what a rerun would take",
}
SENSES = {
    ("equal", True): "exactly",
    ("equal", False): "within",
    ("at most", True): "at most as much",
    ("at most", False): "at most as much, but for",
    ("at least", True): "at least as much",
    ("at least", False): "at least as much, but for",
}
"""Words for the sense of an entry, by whether its tolerance is 0."""


def page(ledger: Ledger) -> str:
    """The whole page."""
    parts = [_opening(ledger)]
    for topic, rows in groupby(ledger.rows, lambda row: row.entry.topic):
        parts += [f"## {topic}", *_topic(list(rows))]
    parts.append("## What in the paper does not add up")
    parts += [_contradiction(each) for each in ledger.contradictions]
    return "\n\n".join([*parts, *_commands(ledger)]) + "\n"


def count(rows: Iterable[Row]) -> dict[Verdict, int]:
    """How many rows have each verdict."""
    verdicts = [row.verdict for row in rows]
    return {verdict: verdicts.count(verdict) for verdict in Verdict}


def _opening(ledger: Ledger) -> str:
    counts = count(ledger.rows)
    rows = [(f"**{each}**", str(counts[each]), MEANINGS[each]) for each in Verdict]
    return f"""# Reproduction ledger

Figures of Leroux et al., *Nature Computational Science* 5, 813 (2025), beside ours. This page is
made from `reproduction.toml`: our values come out of the configuration, the estimate and the result
files whenever it is made, and verdicts follow from them.

```
gaincell ledger --entries docs/evidence/reproduction.toml -o docs/evidence/reproduction.md
make paper      # runs the commands that need nothing but pip's packages, then the line above
```

{markdown(("verdict", "figures", "meaning"), rows)}

*Within 15 %* is how far ours may be from the paper's figure, relative to it. Where ours is a band,
the verdict takes its high end. *From* says where ours is taken from: `config:` the configuration of
the default head, `estimate:` a row of [its estimate](../do/estimate.md), `json:` and `table:` a
file of results, `formula:` a computation, in which `paper:` and `ours:` stand before the id of an
entry. Commands are listed at the end. *Text* stands where no figure or table of the paper is known
to hold the figure, *public code* for the authors' repository,
NathanLeroux-git/GainCellAttention."""


def _topic(rows: Sequence[Row]) -> list[str]:
    cells = []
    for row in rows:
        entry = row.entry
        figures = (entry.what, entry.place, paper_text(row), ours_text(row))
        cells.append((*figures, f"**{row.verdict}**", f"`{entry.command}`"))
    heads = ("", "in the paper", "the paper", "ours", "verdict", "command")
    lines = [f"- *{row.entry.what}*: {remarks(row)}" for row in rows]
    return [markdown(heads, cells), "\n".join(lines)]


def paper_text(row: Row) -> str:
    """The paper's figure with its unit."""
    return _with_unit(_numbers(row.entry.paper), row.entry.unit)


def ours_text(row: Row) -> str:
    """Our value with its unit, both ends of a band; empty if not rerun."""
    if row.ours is None:
        return ""
    text = _numbers(row.ours.values)
    if row.ours.low is not None:
        text = f"{_numbers(row.ours.low)}..{text}"
    return _with_unit(text, row.entry.unit)


def remarks(row: Row) -> str:
    """Tolerance, reasons, source and note of an entry, as sentences."""
    entry = row.entry
    sentences = [] if entry.tolerance is None else [f"{_allowed(row)}, as {entry.because}"]
    labelled = {"built from": entry.built, "differs, as": entry.why, "needs": entry.needs}
    sentences += [f"{label} {text}" for label, text in labelled.items() if text is not None]
    sentences += [text for text in (_source(row), entry.note) if text is not None]
    return ". ".join(text[0].upper() + text[1:] for text in sentences) + "."


def _allowed(row: Row) -> str:
    entry = row.entry
    assert entry.tolerance is not None, "an entry with ours has a tolerance"
    allowed = SENSES[entry.sense, entry.tolerance == 0]
    if entry.tolerance > 0:
        allowed += f" {shown(100 * entry.tolerance)} %"
        if entry.scale is not None:
            allowed += f" of {_with_unit(shown(entry.scale), entry.unit)}"
    return allowed


def _source(row: Row) -> str | None:
    entry = row.entry
    if not isinstance(entry.ours, str):
        return entry.provenance
    given = ""
    if entry.ours.startswith("formula:"):
        pairs = (f"{name} = `{source}`" for name, source in (entry.numbers or {}).items())
        given = ", with " + ", ".join(pairs)
    return f"from `{entry.ours}`{given}"


def _contradiction(each: Contradiction) -> str:
    lines = "\n".join(f"- {line}" for line in each.arithmetic)
    return f"### {each.what}\n\n{each.place}.\n\n{lines}\n\n{each.so}"


def _commands(ledger: Ledger) -> list[str]:
    rows = [
        (f"`{name}`", f"`{each.run}`", each.makes, "yes" if each.here else "")
        for name, each in ledger.commands.items()
    ]
    return ["## Commands", markdown(("", "command", "gives", "in `make paper`"), rows)]


def _numbers(value: float | tuple[float, ...]) -> str:
    return ", ".join(map(shown, numbers_of(value)))


def _with_unit(text: str, unit: str | None) -> str:
    return text if unit is None else f"{text} {unit}"
