"""The page of a sweep: what varied, the best points, pictures, failures, and the time it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gaincell.report.page import Section, render
from gaincell.sweep.metrics import METRICS
from gaincell.sweep.pareto import front
from gaincell.sweep.picture import Panel, draw_pareto
from gaincell.sweep.run import Outcomes, Row
from gaincell.sweep.sweep_file import Sweep
from gaincell.tables import shown
from gaincell.text import si
from gaincell.versions import versions

PAGE, PICTURE = "index.html", "pareto.svg"
MOST_ROWS, MOST_VALUES = 40, 12
PACKAGES = ("numpy", "distributed", "amaranth", "torch", "transformers")


def panels_of(sweep: Sweep, rows: Sequence[Row]) -> list[Panel]:
    """The pictures that the sweep asks for; pairs that no point has are left out."""
    panels = []
    for pair in sweep.pareto:
        numbers = [n for n, row in enumerate(rows) if None not in (row.metrics[m] for m in pair)]
        if not numbers:
            continue
        best = front(rows, pair)
        x, y = ([_number(rows[n].metrics[metric]) for n in numbers] for metric in pair)
        on_front = [place for place, number in enumerate(numbers) if best[number]]
        x_name, y_name = (METRICS[metric].shown for metric in pair)
        named = {place: rows[number].name for place, number in enumerate(numbers)}
        named = {place: name for place, name in named.items() if name}
        marked = {place: name for place, name in named.items() if name in sweep.mark}
        shades = [rows[n].metrics[sweep.shade] for n in numbers] if sweep.shade else []
        panels.append(Panel(x_name, y_name, x, y, numbers, on_front, list(named), marked, shades))
    return panels


def shade_name(sweep: Sweep) -> str:
    """What the colours of the pictures are."""
    return METRICS[sweep.shade].shown if sweep.shade else ""


def _number(value: float | None) -> float:
    assert value is not None
    return value


def page_of(name: str, sweep: Sweep, rows: Sequence[Row], outcomes: Outcomes) -> str:
    """The HTML; ``name`` is the sweep file's."""
    failed = [(n, row) for n, row in enumerate(rows) if row.reason]
    lead = f"{len(rows)} points of {name}; {len(failed)} lack a metric."
    sections = [_space(sweep), _best(sweep, rows)]
    if any(row.name for row in rows):
        sections.append(_named(sweep, rows))
    if panels := panels_of(sweep, rows):
        sections.append(_pictures(panels, shade_name(sweep)))
    if failed:
        sections.append(_failures(failed))
    sections.append(_time(outcomes))
    return render("A sweep of heads", lead, sections).html


def _space(sweep: Sweep) -> Section:
    section = Section("space", "What varied")
    rows = []
    for name in sweep.varied:
        values = list(dict.fromkeys(_shown(point[name]) for point in sweep.points))
        more = len(values) - MOST_VALUES
        listed = values if more <= 0 else [*values[:MOST_VALUES], f"{more} more"]
        rows.append([name, str(len(values)), ", ".join(listed)])
    section.table(rows, ("name", "values", ""))
    if sweep.fixed:
        section.text("The same for all points:")
        section.table([[name, _shown(value)] for name, value in sweep.fixed.items()])
    return section


def _best(sweep: Sweep, rows: Sequence[Row]) -> Section:
    section = Section("front", "The best points")
    best = [number for number, on_front in enumerate(front(rows, sweep.metrics)) if on_front]
    directions = [
        f"{name} {'high' if METRICS[name].more_is_better else 'low'}" for name in sweep.metrics
    ]
    section.text(
        f"{len(best)} of {len(rows)} points are beaten by no other in all of: "
        f"{', '.join(directions)}."
    )
    heads = ["point", *sweep.varied, *(METRICS[name].shown for name in sweep.metrics)]
    section.table((_cells(sweep, rows[n], n) for n in best[:MOST_ROWS]), heads)
    if len(best) > MOST_ROWS:
        section.note(f"{len(best) - MOST_ROWS} more are in the table, with pareto true.")
    return section


def _named(sweep: Sweep, rows: Sequence[Row]) -> Section:
    section = Section("named", "The points with names")
    heads = ["point", "name", *sweep.varied, *(METRICS[name].shown for name in sweep.metrics)]
    cells = ((_cells(sweep, row, n), row.name) for n, row in enumerate(rows) if row.name)
    section.table(([first, name, *rest] for (first, *rest), name in cells), heads)
    return section


def _cells(sweep: Sweep, row: Row, number: int) -> list[str]:
    values = [_shown(row.values[name]) for name in sweep.varied]
    metrics = ["-" if v is None else f"{v:.4g}" for v in row.metrics.values()]
    return [str(number), *values, *metrics]


def _pictures(panels: Sequence[Panel], shade: str) -> Section:
    section = Section("pictures", "Pictures")
    section.picture(
        "Every point, two metrics at a time. The line joins the points that none beats in both; "
        "the numbers are theirs in the table. Points with names are larger."
        + (f" The colour is {shade}; a grey point has none." if shade else ""),
        f"{len(panels)} scatter plots with Pareto fronts.",
        lambda path: draw_pareto(panels, path, shade),
    )
    return section


def _failures(failed: Sequence[tuple[int, Row]]) -> Section:
    section = Section("failures", "Points that lack a metric")
    by_reason: dict[str, list[int]] = defaultdict(list)
    for number, row in failed:
        by_reason[row.reason].append(number)
    counted = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    section.table(
        ([str(len(numbers)), str(numbers[0]), reason] for reason, numbers in counted[:MOST_ROWS]),
        ("points", "first", "reason"),
    )
    return section


def _time(outcomes: Mapping[Path, Mapping[str, Any]]) -> Section:
    section = Section("time", "Time and versions")
    seconds: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes.values():
        seconds[outcome["kind"]].append(outcome["seconds"])
    section.table(
        (
            [kind, str(len(each)), si(sum(each) / len(each), "s", 3), f"{max(each):.3g} s"]
            for kind, each in seconds.items()
        ),
        ("measure", "results", "mean time on a worker", "longest"),
    )
    section.note(", ".join(f"{name} {version}" for name, version in versions(*PACKAGES).items()))
    return section


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}" if _is_float(value) else shown(value)


def _is_float(value: Any) -> bool:
    return isinstance(value, float)
