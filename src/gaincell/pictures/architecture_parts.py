"""Draws the parts of a block diagram: boxes, blocks, grids, wires and their names."""

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from gaincell.pictures import style

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle by its lower left corner and size, in hundredths of the picture's width."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def top(self) -> float:
        return self.y + self.high

    @property
    def middle(self) -> float:
        return self.x + self.wide / 2

    @property
    def centre(self) -> float:
        return self.y + self.high / 2


def look(size: float, colour: str, weight: str = "normal") -> dict[str, Any]:
    """Properties of a text that is centred on its place."""
    return {"fontsize": size, "color": colour, "weight": weight, "ha": "center", "va": "center"}


def region(axes: Axes, box: Box, name: str, colour: str) -> None:
    """A coloured area behind blocks that belong together, with its name above."""
    axes.add_patch(Rectangle((box.x, box.y), box.wide, box.high, facecolor=colour, linewidth=0))
    axes.text(box.middle, box.top + 1.3, name, **look(style.TEXT, style.MUTED))


def block(axes: Axes, box: Box, name: str, detail: str, colour: str = style.INK) -> None:
    """A box with rounded corners, a name and details."""
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.wide,
            box.high,
            boxstyle="round,pad=0,rounding_size=0.6",
            facecolor=style.PAPER,
            edgecolor=colour,
            linewidth=1.0,
        )
    )
    lines = 1 + name.count("\n")
    axes.text(box.middle, box.top - 0.6 - 1.0 * lines, name, **look(style.TEXT, colour, "bold"))
    bottom, top = box.y, box.top - 1.2 - 2.0 * lines
    axes.text(
        box.middle,
        (bottom + top) / 2 + 0.3,
        detail,
        linespacing=1.25,
        **look(style.SMALL, style.MUTED),
    )


def frame(axes: Axes, box: Box, face: Any, edge: Any) -> None:
    """A plain rectangle."""
    shape = Rectangle((box.x, box.y), box.wide, box.high, facecolor=face, edgecolor=edge)
    shape.set_linewidth(1.0)
    axes.add_patch(shape)


def stage(axes: Axes, box: Box, name: str) -> None:
    """A converter stage with its name along the height."""
    frame(axes, box, style.tint(style.SCORE, 0.12), style.SCORE)
    axes.text(box.middle, box.centre, name, rotation=90, **look(style.TEXT, style.SCORE))


def grid(axes: Axes, box: Box, colour: str) -> None:
    """A sub-tile: cells at the crossings of lines."""
    frame(axes, box, style.tint(colour, 0.14), colour)
    for line in range(1, 8):
        x = box.x + box.wide * line / 8
        axes.plot([x, x], [box.y, box.top], color=style.tint(colour, 0.35), linewidth=0.6)
    for line in range(1, 5):
        y = box.y + box.high * line / 5
        axes.plot([box.x, box.right], [y, y], color=style.tint(colour, 0.35), linewidth=0.6)


def path(
    axes: Axes,
    points: list[Point],
    colour: str = style.INK,
    *,
    head: bool = True,
    dashed: bool = False,
) -> None:
    """A line of horizontal and vertical parts through ``points``, with an arrow if ``head``."""
    kind = (0, (3, 2)) if dashed else "-"
    axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.2, linestyle=kind)
    if head:
        (x0, y0), (x1, y1) = points[-2:]
        length = max(abs(x1 - x0), abs(y1 - y0))
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        back_x, back_y = x1 - 1.2 * dx, y1 - 1.2 * dy
        corners = [
            (x1, y1),
            (back_x + 0.5 * dy, back_y + 0.5 * dx),
            (back_x - 0.5 * dy, back_y - 0.5 * dx),
        ]
        axes.add_patch(Polygon(corners, facecolor=colour, linewidth=0, zorder=3))


def tag(axes: Axes, place: Point, text: str, colour: str) -> None:
    """A small text beside a wire."""
    axes.text(*place, text, **look(style.SMALL, colour))
