"""Draws the points of a sweep, two metrics at a time, and the front of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gaincell.pictures import style

ACROSS = 2
LOG_FROM = 20.0
"""Ratio of largest and least value from which an axis is logarithmic."""
SHADE_LOG_FROM = 5.0
"""Likewise, of the colours."""
MOST_LABELS = 12
SHADES = "viridis_r"
"""From light to dark: the more, the darker."""
DOT, LARGE_DOT = 14, 46
LINE_POINTS, POINTS_PER_INCH = 12, 72
"""Height of a name."""
CHARACTER_POINTS = 0.7 * style.SMALL
"""Width of a bold character, on average."""
PANELS_END = 0.88
"""Part of the width that the panels take where colours stand beside them."""


@dataclass(frozen=True)
class Panel:
    """One pair of metrics.

    x, y, numbers : of the points that have both
    front : places, in these lists, of the points that none beats in both
    named : places of the points that have a name; they are drawn larger
    marked : names that stand beside points, by place
    shades : a third metric of each point, as its colour; None: it has none. Empty: no colours
    """

    x_name: str
    y_name: str
    x: Sequence[float]
    y: Sequence[float]
    numbers: Sequence[int]
    front: Sequence[int]
    named: Sequence[int] = ()
    marked: Mapping[int, str] = field(default_factory=dict)
    shades: Sequence[float | None] = ()


def draw_pareto(panels: Sequence[Panel], output: Path, shade_name: str = "") -> None:
    """Draw a panel for each pair; numbers of points on the front stand beside them.

    ``shade_name`` is the metric behind the colours.

    Raises
    ------
    ValueError
        No panels, or an output that cannot be written.
    """
    style.check_output(output)
    if not panels:
        raise ValueError("there is no pair of metrics to draw")
    down = (len(panels) + ACROSS - 1) // ACROSS
    norm = _norm(panels)

    def paint(figure: Figure) -> None:
        across = min(ACROSS, len(panels))
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, panel in zip(places, panels, strict=False):
            _draw(axes, panel, norm)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        figure.tight_layout(rect=(0, 0, 1 if norm is None else PANELS_END, 1))
        if norm is not None:
            _colours(figure, norm, shade_name)

    style.draw(paint, 3.8 * down, output)


def _norm(panels: Sequence[Panel]) -> Normalize | None:
    """The scale of the colours, the same for all panels."""
    values = [value for panel in panels for value in panel.shades if value is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    return LogNorm(low, high) if 0 < SHADE_LOG_FROM * low < high else Normalize(low, high)


def _colours(figure: Figure, norm: Normalize, name: str) -> None:
    from matplotlib.cm import ScalarMappable

    beside = figure.add_axes((PANELS_END + 0.01, 0.25, 0.015, 0.5))
    bar = figure.colorbar(ScalarMappable(norm, SHADES), cax=beside)
    bar.set_label(name, fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(which="both", labelsize=style.SMALL, colors=style.INK)


def _draw(axes: Any, panel: Panel, norm: Normalize | None) -> None:
    named = set(panel.named)
    plain = [place for place in range(len(panel.x)) if place not in named]
    _scatter(axes, panel, plain, norm, DOT, 1)
    _front(axes, panel)
    _scatter(axes, panel, list(panel.named), norm, LARGE_DOT, 3)
    for values, scale in ((panel.x, axes.set_xscale), (panel.y, axes.set_yscale)):
        if values and min(values) > 0 and max(values) > LOG_FROM * min(values):
            scale("log")
    _labels(axes, panel)
    axes.set_xlabel(panel.x_name, fontsize=style.TEXT, color=style.INK)
    axes.set_ylabel(panel.y_name, fontsize=style.TEXT, color=style.INK)
    axes.tick_params(which="both", labelsize=style.SMALL, colors=style.INK)
    for side, spine in axes.spines.items():
        spine.set_color(style.RULE)
        spine.set_visible(side in ("left", "bottom"))


def _labels(axes: Any, panel: Panel) -> None:
    """Names of marked points, each above the one below, and numbers of the front around them."""
    point = axes.figure.dpi / POINTS_PER_INCH

    def place_of(x: float, y: float) -> tuple[float, float]:
        across, up = axes.transData.transform((x, y)) / point
        return float(across), float(up)

    spots = {place: (panel.x[place], panel.y[place]) for place in panel.marked}
    lowest = -inf
    taken: list[Bbox] = []
    for place, spot in sorted(spots.items(), key=lambda item: place_of(*item[1])[1]):
        name, (across, up) = panel.marked[place], place_of(*spot)
        lowest = max(up, lowest + LINE_POINTS)
        taken.append(_box(name, across + 7, lowest - 3))
        axes.annotate(
            name, spot, (7, lowest - up - 3),
            textcoords="offset points", fontsize=style.SMALL, color=style.INK, weight="bold",
            zorder=5, bbox={"facecolor": style.PAPER, "alpha": 0.8, "linewidth": 0, "pad": 1},
        )  # fmt: skip
    for spot, number in _numbers(panel):
        across, up = place_of(*spot)
        width = len(number) * CHARACTER_POINTS
        corners = [(right, above) for above in (4, -11) for right in (4, -4 - width)]
        boxes = [_box(number, across + right, up + above) for right, above in corners]
        free = [n for n, box in enumerate(boxes) if not any(box.overlaps(it) for it in taken)]
        chosen = free[0] if free else 0
        taken.append(boxes[chosen])
        axes.annotate(
            number, spot, corners[chosen],
            textcoords="offset points", fontsize=style.SMALL, color=style.INK,
        )  # fmt: skip


def _box(text: str, left: float, low: float) -> Bbox:
    """What a text takes, in points."""
    return Bbox.from_bounds(left, low, len(text) * CHARACTER_POINTS, LINE_POINTS - 2)


def _numbers(panel: Panel) -> list[tuple[tuple[float, float], str]]:
    """Numbers of the points of the front, not of all if there are many."""
    alike = _alike(panel)
    best = sorted(alike)
    marked = {(panel.x[place], panel.y[place]) for place in panel.marked}
    told = []
    for spot in best[:: max(1, -(-len(best) // MOST_LABELS))]:
        first, more = min(alike[spot]), len(alike[spot]) - 1
        if spot not in marked:
            told.append((spot, f"{first} and {more} more" if more else str(first)))
    return told


def _alike(panel: Panel) -> dict[tuple[float, float], list[int]]:
    """Numbers of the points of the front, by where they are."""
    alike: dict[tuple[float, float], list[int]] = {}
    for place in panel.front:
        alike.setdefault((panel.x[place], panel.y[place]), []).append(panel.numbers[place])
    return alike


def _scatter(
    axes: Any, panel: Panel, places: Sequence[int], norm: Normalize | None, size: int, above: int
) -> None:
    """Points of one size: those without a shade in grey, the others in its colour."""
    shades = panel.shades or [None] * len(panel.x)
    for shaded in (False, True):
        own = [place for place in places if (shades[place] is not None) == shaded]
        colour: dict[str, Any] = {"color": style.RULE}
        if shaded:
            colour = {"c": [shades[place] for place in own], "cmap": SHADES, "norm": norm}
        edge = {"edgecolors": style.INK, "linewidths": 0.7} if size == LARGE_DOT else {}
        if own:
            spots = [panel.x[place] for place in own], [panel.y[place] for place in own]
            axes.scatter(*spots, s=size, zorder=above, **colour, **(edge or {"linewidths": 0}))


def _front(axes: Any, panel: Panel) -> None:
    """The line through the best points."""
    best = sorted(_alike(panel))
    axes.plot(*zip(*best, strict=True), color=style.KEY, marker="o", markersize=4, linewidth=1)
