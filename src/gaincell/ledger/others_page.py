"""Writes the attention accelerators as a page of the documentation, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from gaincell.ledger.arithmetic import shown
from gaincell.ledger.conversions import CONVERSIONS, Figure
from gaincell.ledger.figures import COLUMNS, Row, Survey
from gaincell.ledger.others import ABSENT, READ, Cell, Number, Sizes, Source, Words
from gaincell.text import markdown

HEADS = {
    "energy": "energy per token and head, nJ",
    "layer": "energy per token of a layer, nJ",
    "queries": "queries per mJ",
    "efficiency": "TOPS/W",
    "latency": "latency of a token, ns",
}
SECOND_HAND = {"abstract": "; the abstract alone was read", "notes": "; notes by others"}
"""How places say that the paper itself was not read, by how the source was read."""
WORDS = {
    "technology": "technology",
    "boundary": "what is counted",
    "known": "how known",
    "loss": "model and loss",
    "beside": "compared with",
    "sizes": "sizes",
}


def others_page(survey: Survey) -> str:
    """The whole page."""
    figures = [
        (_name(row), _known(row), *(_figure(row, name, survey) for name in COLUMNS))
        for row in survey.rows
    ]
    rows = [
        (_name(row), *(_words(row, name) for name in ("technology", "boundary", "loss", "beside")))
        for row in survey.rows
    ]
    parts = [
        _opening(survey),
        "## Figures",
        LEGEND,
        markdown(("system", "how known", *(HEADS[name] for name in COLUMNS)), figures),
        "## What the figures are of",
        markdown(
            ("system", *(WORDS[name] for name in ("technology", "boundary", "loss", "beside"))),
            rows,
        ),
        "## What can be compared",
        COMPARED,
        "## Conversions",
        _conversions(survey),
        "## Where each cell stands",
        *(_places(row, survey) for row in survey.rows),
        "## What was read",
        _sources(survey.others.sources),
    ]
    return "\n\n".join(parts) + "\n"


LEGEND = f"""*Italic*: converted from a published figure by a formula [below](#conversions).
**{ABSENT}**: nothing was found in what was read of the row. *(abstract)*: the abstract alone was
read, and the paper may say more. *(notes)*: the figure is from notes by others on the whole paper,
which were not checked against it. A band has both ends."""

COMPARED = """\
- **Rows with the same parts counted and the same model** can be compared. There are few.
- **Energy per token and head** compares the rows that publish it for a whole head: the paper's,
  this project's and CAMformer's, all of 64 dimensions and 1024 keys. This project's analog half
  is the paper's numbers.
- **TOPS/W** say little alone. Some are of an array, some of a chip, some of a whole model with
  its linear layers. A peak is no mean, and an operation of 1 bit is not one of 8. Nothing here
  is scaled from one technology to another.
- **Italic energies from TOPS/W** are what a head of this project's size would take if all of
  its operations ran at that efficiency. No source says that they would.
- **Ratios to a GPU** do not carry over: GPUs, models and batches differ, and each author chose
  them.
- **How known** matters more than the digits. Only rows with *measured* were built or timed.
  This project's rows are estimated: nothing of them was built. *Not said* stands where the
  abstract leaves it open.
- **Energy without the loss of the model is half a result.** Hardware that prunes, clips or
  rounds buys energy with accuracy. This project has two rows for that reason: the arrays alone,
  and the arrays with the digital work that keeps a language model whole."""


def _opening(survey: Survey) -> str:
    count = survey.count()
    return f"""# Everybody in one table

Accelerators of attention and their alternatives, beside this project and GPUs. The page is made
from `others.toml`, in which every figure has its source and place, or is "{ABSENT}". Conversions
are computed whenever the page is made.

```
gaincell ledger --entries docs/evidence/others.toml -o docs/evidence/others.md
```

{count["systems"]} rows have {len(COLUMNS) * count["systems"]} figures: {count["published"]} are
published or of this project, {count["converted"]} are converted, {count[ABSENT]} are {ABSENT}."""


def _name(row: Row) -> str:
    return f"**{row.system.name}**"


def _known(row: Row) -> str:
    return _words(row, "known").partition(":")[0]


def _words(row: Row, name: str) -> str:
    cell = getattr(row.system, name)
    return cell.text if isinstance(cell, Words) else ABSENT


def _figure(row: Row, name: str, survey: Survey) -> str:
    figure = row.figures.get(name)
    if figure is None:
        return ABSENT
    if figure.by is not None:
        return f"*{figure.text}*"
    read = survey.others.sources[row.system.cells[name].source].read
    return f"{figure.text} ({read})" if read in SECOND_HAND else figure.text


def _conversions(survey: Survey) -> str:
    units = {"energy": "nJ", "layer": "nJ", "queries": "queries/mJ", "efficiency": "TOPS/W"}
    rows = [
        (
            f"{each.makes}, {units[each.makes]}",
            f"{each.takes}, {units[each.takes]}",
            f"`{each.formula}`",
            "; ".join(row.system.name for row in survey.rows if each in _used(row)) or "none",
        )
        for each in CONVERSIONS
    ]
    sizes = survey.sizes
    dimensions, keys = shown(sizes["head_dim"]), shown(sizes["keys"])
    operations = f"{4 * sizes['head_dim'] * sizes['keys']:,.0f}".replace(",", " ")
    return f"""{markdown(("to", "from", "formula", "in the rows"), rows)}

A query of a head with {dimensions} dimensions and {keys} keys is
4 · {dimensions} · {keys} = {operations} operations: two products, each a multiplication and an
addition per cell. Rows that publish an energy use their own sizes, all others these. `heads` are
those that share an energy. No published figure is replaced."""


def _used(row: Row) -> list[object]:
    return [figure.by for figure in row.figures.values()]


def _places(row: Row, survey: Survey) -> str:
    lines = _groups(row, survey)
    lines += [f"- {_stated(name, row)} ({_place(cell, survey)})." for name, cell in _numbers(row)]
    lines += [
        f"- {HEADS[name]}: {figure.text} = `{figure.by.formula}`{_worked(figure, row)}."
        for name, figure in row.figures.items()
        if figure.by is not None
    ]
    missing = [
        (HEADS | WORDS)[name]
        for name in (*WORDS, *COLUMNS)
        if name != "sizes" and getattr(row.system, name) == ABSENT and name not in row.figures
    ]
    if missing:
        lines.append(f"- {ABSENT}: {'; '.join(missing)}.")
    notes = [f"{WORDS[name]}: {cell.note}" for name, cell in _words_of(row) if cell.note]
    notes += [f"{HEADS[name]}: {cell.note}" for name, cell in _numbers(row) if cell.note]
    lines += [f"- Note on {note}." for note in notes]
    note = [] if row.system.note is None else [f"{row.system.note}."]
    return "\n\n".join([f"### {row.system.name}", *note, "\n".join(lines)])


def _numbers(row: Row) -> list[tuple[str, Number]]:
    return list(row.system.numbers.items())


def _words_of(row: Row) -> list[tuple[str, Cell]]:
    return [each for each in row.system.cells.items() if each[0] in WORDS]


def _groups(row: Row, survey: Survey) -> list[str]:
    """A line for each place, with the cells of words that stand there."""
    places: dict[str, list[str]] = {}
    for name, cell in _words_of(row):
        said = f" ({_words(row, name)})" if name == "known" else ""
        if isinstance(cell, Sizes):
            said = f" ({shown(cell.head_dim)} dimensions, {shown(cell.keys)} keys)"
            if cell.heads > 1:
                said = f"{said[:-1]}, {shown(cell.heads)} heads)"
        places.setdefault(_place(cell, survey), []).append(WORDS[name] + said)
    return [f"- {place}: {', '.join(names)}." for place, names in places.items()]


def _place(cell: Cell, survey: Survey) -> str:
    read = SECOND_HAND.get(survey.others.sources[cell.source].read, "")
    return f"[{cell.source}](#what-was-read), {cell.place}{read}"


def _stated(name: str, row: Row) -> str:
    cell, figure = row.system.numbers[name], row.figures[name]
    if isinstance(cell.value, str):
        given = "".join(f", {key} = `{each}`" for key, each in (cell.numbers or {}).items())
        return f"{HEADS[name]}: {figure.text}, from `{cell.value}`{given}"
    ends = cell.value if isinstance(cell.value, tuple) else (cell.value,)
    published = f"{cell.mark} {'..'.join(f'{end:.10g}' for end in ends)} {cell.unit}".strip()
    return f"{HEADS[name]}: {figure.text}, published as {published}"


def _worked(figure: Figure, row: Row) -> str:
    assert figure.by is not None
    taken = row.figures[figure.by.takes]
    return f", {figure.by.takes} = {taken.text}{'' if taken.by is None else ', itself converted'}"


def _sources(sources: dict[str, Source]) -> str:
    def lines() -> Iterable[tuple[str, str, str]]:
        for key, each in sources.items():
            cite = each.cite if each.link is None else f"[{each.cite}]({each.link})"
            yield key, cite, READ[each.read]

    return markdown(("source", "", "read"), lines())
