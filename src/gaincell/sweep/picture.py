"""Draws the points of a sweep, two metrics at a time, and the front of the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gaincell.pictures import style

ACROSS = 2
LOG_FROM = 20.0
"""Ratio of largest and least value from which an axis is logarithmic."""
MOST_LABELS = 12


@dataclass(frozen=True)
class Panel:
    """One pair of metrics.

    x, y, numbers : of the points that have both
    front : places, in these lists, of the points that none beats in both
    """

    x_name: str
    y_name: str
    x: Sequence[float]
    y: Sequence[float]
    numbers: Sequence[int]
    front: Sequence[int]


def draw_pareto(panels: Sequence[Panel], output: Path) -> None:
    """Draw a panel for each pair; numbers of points on the front stand beside them.

    Raises
    ------
    ValueError
        No panels, or an output that cannot be written.
    """
    style.check_output(output)
    if not panels:
        raise ValueError("there is no pair of metrics to draw")
    down = (len(panels) + ACROSS - 1) // ACROSS

    def paint(figure: Figure) -> None:
        across = min(ACROSS, len(panels))
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, panel in zip(places, panels, strict=False):
            _draw(axes, panel)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        figure.tight_layout()

    style.draw(paint, 3.8 * down, output)


def _draw(axes: Any, panel: Panel) -> None:
    axes.scatter(panel.x, panel.y, s=14, color=style.RULE, linewidths=0)
    alike: dict[tuple[float, float], list[int]] = {}
    for place in panel.front:
        alike.setdefault((panel.x[place], panel.y[place]), []).append(panel.numbers[place])
    best = sorted(alike)
    axes.plot(*zip(*best, strict=True), color=style.KEY, marker="o", markersize=4, linewidth=1)
    for spot in best[:: max(1, -(-len(best) // MOST_LABELS))]:
        first, more = min(alike[spot]), len(alike[spot]) - 1
        axes.annotate(
            f"{first} and {more} more" if more else str(first), spot, (4, 4),
            textcoords="offset points", fontsize=style.SMALL, color=style.INK,
        )  # fmt: skip
    for values, scale in ((panel.x, axes.set_xscale), (panel.y, axes.set_yscale)):
        if values and min(values) > 0 and max(values) > LOG_FROM * min(values):
            scale("log")
    axes.set_xlabel(panel.x_name, fontsize=style.TEXT, color=style.INK)
    axes.set_ylabel(panel.y_name, fontsize=style.TEXT, color=style.INK)
    axes.tick_params(which="both", labelsize=style.SMALL, colors=style.INK)
    for side, spine in axes.spines.items():
        spine.set_color(style.RULE)
        spine.set_visible(side in ("left", "bottom"))
