"""Draws the areas of a head's parts to scale, as strips as wide as its arrays."""

import math
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gaincell.config import HeadConfig
from gaincell.pictures import style

ORDER = ("DACs", "keys", "first converters", "values", "second converters", "digital control")
"""Strips from top to bottom. Keys and values share the area of "cells"."""
COLOURS = {
    "DACs": style.QUERY,
    "keys": style.KEY,
    "first converters": style.SCORE,
    "values": style.VALUE,
    "second converters": style.SCORE,
    "digital control": style.MUTED,
}
ROUND_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
LABEL_SHARE = 0.075
"""Least distance of two labels, as a share of the picture's height."""


def draw_floorplan(config: HeadConfig, area_um2: Mapping[str, float], output: Path) -> None:
    """Draw the areas of one head to scale.

    Parameters
    ----------
    area_um2 : of each part, with the names of ``ORDER`` but "cells" for both arrays
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        A part is missing, or an output that cannot be written.
    """
    style.check_output(output)
    missing = {*ORDER, "cells"} - {"keys", "values"} - set(area_um2)
    if missing:
        raise ValueError(f"the area of {', '.join(sorted(missing))} is missing")
    half = area_um2["cells"] / 2
    areas = {name: area_um2.get(name, half) for name in ORDER}
    # As wide as all columns of one array whose cells are squares.
    stored = config.stored_columns
    width = stored * math.sqrt(half / (stored * config.head_dim))
    height = sum(areas.values()) / width

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.02, 0.06, 0.96, 0.88))
        style.bare(axes)
        top = height
        centres = {}
        for name, area in areas.items():
            tall = area / width
            top -= tall
            edge = COLOURS[name]
            face = style.tint(edge, 0.35)
            axes.add_patch(Rectangle((0, top), width, tall, facecolor=face, edgecolor=edge, lw=0.8))
            if name in ("keys", "values"):
                _sub_tiles(axes, config, width, top, tall, edge)
            centres[name] = top + tall / 2
        _labels(axes, areas, centres, width, height)
        _scale_bar(axes, width, height)
        axes.set_xlim(-0.01 * width, width + 0.45 * max(width, height))
        axes.set_ylim(-0.1 * height, 1.02 * height)
        axes.set_aspect("equal", anchor="W")

    style.draw(paint, min(8.0, max(2.5, 7.0 * height / width)), output)


def _sub_tiles(
    axes: Axes, config: HeadConfig, width: float, bottom: float, tall: float, colour: str
) -> None:
    """Borders of an array's sub-tiles. The sink's sub-tile is the last and may be narrower."""
    for slot in range(config.columns, config.stored_columns, config.columns):
        x = width * slot / config.stored_columns
        axes.plot([x, x], [bottom, bottom + tall], color=colour, linewidth=0.6)


def _labels(
    axes: Axes,
    areas: Mapping[str, float],
    centres: Mapping[str, float],
    width: float,
    height: float,
) -> None:
    total, lowest = sum(areas.values()), math.inf
    for name, area in areas.items():
        y = min(centres[name], lowest - LABEL_SHARE * height)
        lowest = y
        reach = 0.03 * max(width, height)
        x = [width, width + reach, width + 2 * reach]
        axes.plot(x, [centres[name], y, y], color=style.RULE, linewidth=0.8)
        text = f"{name}  {area:,.0f} µm², {100 * area / total:.1f} %".replace(",", " ", 1)
        axes.text(width + 2.3 * reach, y, text, fontsize=style.TEXT, color=style.INK, va="center")


def _scale_bar(axes: Axes, width: float, height: float) -> None:
    length = max(each for each in ROUND_UM if each <= max(1.0, width / 4))
    y = -0.04 * height
    axes.plot([0, length], [y, y], color=style.INK, linewidth=2)
    axes.text(length * 1.05, y, f"{length} µm", fontsize=style.SMALL, color=style.INK, va="center")
