"""A picture of a floorplan: each part in its colour; what is not drawn is hatched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from gaincell.layout.floorplan.blocks import (
    CONTROL,
    DRIVERS,
    KEYS,
    LADDERS,
    OUTPUT,
    PARTS,
    REFERENCES,
    SCORE,
    SELECTORS,
    VALUES,
    Block,
)
from gaincell.layout.floorplan.figures import state
from gaincell.layout.floorplan.slices import Slice
from gaincell.pictures import style

PANEL_IN, MARGIN_IN, LEAST_IN, MOST_IN = 3.1, 1.4, 4.4, 7.6
"""Width of a panel, height around it, and both ends of the picture's height: the
legend fits into the least."""
EDGES = 0.15, 0.5
"""Widths of lines between copies, in the head and in the slice."""
COLOURS = {
    KEYS: style.KEY,
    VALUES: style.VALUE,
    SCORE: style.SCORE,
    OUTPUT: style.NEGATIVE,
    DRIVERS: "#0f8b8d",
    SELECTORS: style.QUERY,
    LADDERS: "#6b3f0a",
    REFERENCES: style.MUTED,
    CONTROL: style.INK,
}
PALE = 0.22

Rectangle4 = tuple[float, float, float, float]
"""Left, low, right and high side."""


def draw_floorplan(
    blocks: Sequence[Block],
    size_um: tuple[float, float],
    piece: Slice,
    cells_um: Sequence[Rectangle4],
    row_um: float,
    title: str,
    output: Path,
) -> None:
    """Write the picture: the head, and beside it one slice.

    Parameters
    ----------
    blocks : of the whole head
    size_um : its width and height
    piece : one slice
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
        figure.suptitle(title, fontsize=style.TITLE, x=0.01, ha="left")
        whole, one, words = figure.subplots(1, 3, width_ratios=(2, 2, 1.2))
        for axes, shown, size, edge in zip(
            (whole, one), (blocks, piece.blocks), sizes, EDGES, strict=True
        ):
            for block in shown:
                _paint(axes, block, row_um, edge)
            axes.set_xlim(0, size[0])
            axes.set_ylim(0, size[1])
            axes.set_aspect("equal", anchor="N")
            axes.set_xlabel("µm", fontsize=style.SMALL)
            axes.tick_params(labelsize=style.SMALL)
        whole.add_collection(
            PolyCollection([_corners(cell) for cell in cells_um], facecolors="white", alpha=0.4)
        )
        whole.set_title("the head", fontsize=style.TEXT, loc="left")
        one.set_title("a sub-tile with its parts", fontsize=style.TEXT, loc="left")
        words.axis("off")
        words.legend(
            handles=[_handle(part, blocks) for part in PARTS],
            loc="upper left",
            borderaxespad=0.0,
            fontsize=style.SMALL,
            frameon=False,
            labelspacing=1.1,
        )

    sizes = size_um, (piece.width / 1e3, piece.height / 1e3)
    slender = max(height / width for width, height in sizes)
    style.draw(paint, min(max(PANEL_IN * slender + MARGIN_IN, LEAST_IN), MOST_IN), output)


def _paint(axes: Axes, block: Block, row_um: float, edge: float) -> None:
    left, low, wide, high = (each / 1e3 for each in (block.x, block.y, block.width, block.height))
    if block.copies is not None:
        drawn = ([side / 1e3 for side in each] for each in block.each())
        corners = [_corners((x, y, x + width, y + height)) for x, y, width, height in drawn]
        look = _look(block) | {"edgecolor": "white", "linewidth": edge}
        axes.add_collection(PolyCollection(corners, **look, snap=False))
        return
    axes.add_patch(Rectangle((left, low), wide, high, **_look(block)))
    if block.part not in (KEYS, VALUES):
        return
    upright = block.part == VALUES
    lines = []
    for row in range(2, round((wide if upright else high) / row_um), 2):
        at = row * row_um
        ends = ((left + at, low), (left + at, low + high))
        lines.append(ends if upright else ((left, low + at), (left + wide, low + at)))
    axes.add_collection(LineCollection(lines, colors="white", linewidths=2 * edge))


def _look(block: Block) -> dict[str, Any]:
    colour = COLOURS[block.part]
    if block.is_outline:
        pale = style.tint(colour, PALE)
        return {"facecolor": pale, "edgecolor": colour, "hatch": "/////", "linewidth": 0.4}
    return {"facecolor": colour, "edgecolor": "none"}


def _handle(part: str, blocks: Sequence[Block]) -> Patch:
    own = [block for block in blocks if block.part == part]
    mm2 = sum(block.um2 for block in own) / 1e6
    return Patch(**_look(own[0]), label=f"{part}\n{mm2:.3g} mm², {state(own[0])}")


def _corners(cell: Rectangle4) -> list[tuple[float, float]]:
    left, low, right, high = cell
    return [(left, low), (right, low), (right, high), (left, high)]
