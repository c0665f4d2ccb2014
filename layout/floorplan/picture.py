"""A picture of a floorplan: each part in its colour; what is not drawn yet is hatched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from gaincell.layout.floorplan.slices import (
    CONTROL,
    DACS,
    DRAWN,
    DRIVERS,
    KEYS,
    OUTPUT,
    PARTS,
    REFERENCES,
    SCORE,
    VALUES,
    Block,
    state,
)
from gaincell.pictures import style

HEIGHT_IN = 8.6
COLOURS = {
    KEYS: style.KEY,
    VALUES: style.VALUE,
    SCORE: style.SCORE,
    OUTPUT: style.NEGATIVE,
    DRIVERS: "#0f8b8d",
    DACS: style.QUERY,
    REFERENCES: style.MUTED,
    CONTROL: style.INK,
}
PALE = 0.22

Rectangle4 = tuple[float, float, float, float]
"""Left, low, right and high side."""


def draw_floorplan(
    blocks: Sequence[Block],
    size_um: tuple[float, float],
    cells_um: Sequence[Rectangle4],
    row_um: float,
    title: str,
    output: Path,
) -> None:
    """Write the picture.

    Parameters
    ----------
    blocks : of the whole head
    size_um : its width and height
    cells_um : cells of the control
    row_um : height of a row of gain cells
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """

    def paint(figure: Figure) -> None:
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        for block in blocks:
            _paint(axes, block, row_um)
        axes.add_collection(
            PolyCollection([_corners(cell) for cell in cells_um], facecolors="white", alpha=0.4)
        )
        axes.set_xlim(0, size_um[0])
        axes.set_ylim(0, size_um[1])
        axes.set_aspect("equal")
        axes.set_xlabel("um", fontsize=style.SMALL)
        axes.tick_params(labelsize=style.SMALL)
        axes.set_title(title, fontsize=style.TITLE, loc="left")
        axes.legend(
            handles=[_handle(part, blocks) for part in PARTS],
            loc="upper left",
            bbox_to_anchor=(1.02, 1.0),
            borderaxespad=0.0,
            fontsize=style.SMALL,
            frameon=False,
            labelspacing=1.1,
        )

    style.draw(paint, HEIGHT_IN, output)


def _paint(axes: Axes, block: Block, row_um: float) -> None:
    left, low, wide, high = (each / 1e3 for each in (block.x, block.y, block.width, block.height))
    axes.add_patch(Rectangle((left, low), wide, high, **_look(block.part)))
    if block.part not in (KEYS, VALUES):
        return
    upright = block.part == VALUES
    lines = []
    for row in range(2, round((wide if upright else high) / row_um), 2):
        at = row * row_um
        ends = ((left + at, low), (left + at, low + high))
        lines.append(ends if upright else ((left, low + at), (left + wide, low + at)))
    axes.add_collection(LineCollection(lines, colors="white", linewidths=0.25))


def _look(part: str) -> dict[str, Any]:
    colour = COLOURS[part]
    if part in DRAWN:
        return {"facecolor": colour, "edgecolor": "none"}
    pale = style.tint(colour, PALE)
    return {"facecolor": pale, "edgecolor": colour, "hatch": "/////", "linewidth": 0.4}


def _handle(part: str, blocks: Sequence[Block]) -> Patch:
    own = [block for block in blocks if block.part == part]
    mm2 = sum(block.um2 for block in own) / 1e6
    return Patch(**_look(part), label=f"{part}\n{mm2:.3g} mm2, {state(part)}")


def _corners(cell: Rectangle4) -> list[tuple[float, float]]:
    left, low, right, high = cell
    return [(left, low), (right, low), (right, high), (left, high)]
