"""Draws a layout: the layers below the metal, and those of the lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patches import Polygon as Outline

from gaincell.pictures import style

HEIGHT_IN = 5.6
BELOW = (
    ("nwell", "well", style.MUTED, 0.12),
    ("diff", "diffusion", style.VALUE, 0.65),
    ("tap", "tap", style.POSITIVE, 0.65),
    ("poly", "poly", style.NEGATIVE, 0.65),
    ("licon", "contact", style.INK, 0.9),
)
ABOVE = (
    ("li", "local metal", style.SCORE, 0.45),
    ("mcon", "contact", style.INK, 0.9),
    ("m1", "metal 1", style.KEY, 0.35),
    ("via", "via", style.INK, 0.9),
    ("m2", "metal 2", style.QUERY, 0.4),
    ("m3", "metal 3", style.MUTED, 0.25),
    ("capm", "capacitor", style.VALUE, 0.45),
    ("m4", "metal 4", style.NEGATIVE, 0.25),
)
"""Layer, name in the legend, colour and opacity."""
OF_CAPACITORS = ("m3", "capm", "m4")
"""Layers that are named only where they are drawn."""

Corners = Sequence[tuple[float, float]]


def draw_layout(
    layers: Mapping[str, Sequence[Corners]],
    lines: Mapping[str, tuple[str, float]],
    title: str,
    output: Path,
) -> None:
    """Draw a cell twice, without metal and with it: side by side, or a wide one above another.

    Parameters
    ----------
    layers : corners of polygons, nm
    lines : of each line ("x" or "y", middle in nm): "x" for those along a column
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """

    def paint(figure: Figure) -> None:
        width, height = (max(each) for each in zip(*layers["outline"][0], strict=True))
        wide = width > 2 * height
        left, right = figure.subplots(*((2, 1) if wide else (1, 2)))
        below = -0.35 if wide else -0.12
        _paint(left, layers, BELOW, below)
        _paint(right, layers, ABOVE, below)
        left.set_title("diffusion and gates", fontsize=style.TEXT, loc="left", pad=16)
        right.set_title("contacts and lines", fontsize=style.TEXT, loc="left", pad=16)
        for name, (way, place) in lines.items():
            along_column = way == "x"
            right.annotate(
                name,
                (place, 1.0) if along_column else (1.0, place),
                xycoords=("data", "axes fraction") if along_column else ("axes fraction", "data"),
                xytext=(0, 3) if along_column else (4, 0),
                textcoords="offset points",
                ha="center" if along_column else "left",
                va="bottom" if along_column else "center",
                fontsize=style.SMALL,
            )
        figure.suptitle(title, fontsize=style.TITLE, x=0.06, ha="left")
        figure.subplots_adjust(
            left=0.06, right=0.95, bottom=0.16, top=0.86, wspace=0.14, hspace=0.85
        )

    style.draw(paint, HEIGHT_IN, output)


def _paint(
    axes: Axes,
    layers: Mapping[str, Sequence[Corners]],
    shown: Sequence[tuple[str, str, str, float]],
    legend_y: float,
) -> None:
    shown = [each for each in shown if each[0] not in OF_CAPACITORS or layers.get(each[0])]
    for layer, _, colour, opacity in shown:
        for corners in layers.get(layer, ()):
            points = [(x / 1e3, y / 1e3) for x, y in corners]
            axes.add_patch(Outline(points, closed=True, color=colour, alpha=opacity, lw=0))
    (outline,) = layers["outline"]
    for limits, along in ((axes.set_xlim, 0), (axes.set_ylim, 1)):
        places = [corner[along] / 1e3 for corner in outline]
        limits(min(places), max(places))
    axes.set_aspect("equal")
    axes.set_xlabel("um", fontsize=style.SMALL)
    axes.tick_params(labelsize=style.SMALL)
    named = {name: Patch(color=colour, alpha=opacity, lw=0) for _, name, colour, opacity in shown}
    axes.legend(
        named.values(),
        named.keys(),
        loc="upper center",
        bbox_to_anchor=(0.5, legend_y),
        ncols=len(named),
        fontsize=style.SMALL,
        frameon=False,
        handlelength=1.0,
        columnspacing=1.0,
    )
