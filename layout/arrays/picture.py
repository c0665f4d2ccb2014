"""Draws a layout: the layers below the metal, and those of the lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patches import Polygon as Outline
from matplotlib.transforms import ScaledTranslation

from gaincell.pictures import style

PANEL_IN = {False: 4.3, True: 8.7}
"""Width of a panel beside another, and of one above another."""
AROUND_IN, LEAST_IN, MOST_IN = 1.25, 0.45, 4.6
"""Height around a panel, and both ends of a panel's own."""
BETWEEN_PT = 10.0
"""Between the names of two lines."""
MOST_BESIDE = 5
"""Entries of a legend beside each other."""
LEGEND_PT = 30.0
"""Legends begin so far below the axes, whatever their height: below ticks and unit."""
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
"""Layer, name in the legend, colour and opacity; named only where it is drawn."""

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
    lines : of each line ("x" or "y", middle in um): "x" for those along a column
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """
    width, height = (max(each) for each in zip(*layers["outline"][0], strict=True))
    wide = width > 2 * height
    panel_in = min(max(PANEL_IN[wide] * height / width, LEAST_IN), MOST_IN)

    def paint(figure: Figure) -> None:
        figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
        left, right = figure.subplots(*((2, 1) if wide else (1, 2)))
        below = ScaledTranslation(0, -LEGEND_PT / 72, figure.dpi_scale_trans)
        _paint(left, layers, BELOW, below)
        _paint(right, layers, ABOVE, below)
        left.set_title("diffusion and gates", fontsize=style.TEXT, loc="left", pad=16)
        right.set_title("contacts and lines", fontsize=style.TEXT, loc="left", pad=16)
        _name_columns(right, [(name, at) for name, (way, at) in lines.items() if way == "x"])
        rows = [(name, at) for name, (way, at) in lines.items() if way == "y"]
        _name_rows(right, rows, panel_in * 72 / (height / 1e3))
        figure.suptitle(title, fontsize=style.TITLE, x=0.01, ha="left")

    panels = 2 if wide else 1
    style.draw(paint, 0.4 + panels * (panel_in + AROUND_IN), output)


def _name_columns(axes: Axes, names: Sequence[tuple[str, float]]) -> None:
    for name, place in names:
        axes.annotate(
            name,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=style.SMALL,
        )


def _name_rows(axes: Axes, names: Sequence[tuple[str, float]], points_per_um: float) -> None:
    """Names of lines at the right, each with a line to its own where it had to make room."""
    nets: dict[float, list[str]] = {}
    for name, place in names:
        nets.setdefault(place, []).append(name)
    places = sorted(nets)
    wanted = [place * points_per_um for place in places]
    for place, at, there in zip(places, wanted, apart(wanted, BETWEEN_PT), strict=True):
        moved = there - at
        axes.annotate(
            ", ".join(nets[place]),
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(14, moved),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=style.SMALL,
            arrowprops={"arrowstyle": "-", "color": style.RULE, "lw": 0.6, "relpos": (0, 0.5)},
        )


def apart(places: Sequence[float], least: float) -> list[float]:
    """Places in rising order, moved as little as leaves ``least`` between neighbours.

    Where they are too near, they stand around their common middle.
    """
    groups: list[list[float]] = []
    for place in places:
        groups.append([place])
        while (
            len(groups) > 1
            and _spread(groups[-1], least)[0] - _spread(groups[-2], least)[-1] < least
        ):
            groups[-2:] = [groups[-2] + groups[-1]]
    return [place for group in groups for place in _spread(group, least)]


def _spread(group: Sequence[float], least: float) -> list[float]:
    middle = sum(group) / len(group)
    return [middle + (at - (len(group) - 1) / 2) * least for at in range(len(group))]


def _paint(
    axes: Axes,
    layers: Mapping[str, Sequence[Corners]],
    shown: Sequence[tuple[str, str, str, float]],
    below: ScaledTranslation,
) -> None:
    shown = [each for each in shown if layers.get(each[0])]
    for layer, _, colour, opacity in shown:
        for corners in layers.get(layer, ()):
            points = [(x / 1e3, y / 1e3) for x, y in corners]
            axes.add_patch(Outline(points, closed=True, color=colour, alpha=opacity, lw=0))
    (outline,) = layers["outline"]
    for limits, along in ((axes.set_xlim, 0), (axes.set_ylim, 1)):
        places = [corner[along] / 1e3 for corner in outline]
        limits(min(places), max(places))
    axes.set_aspect("equal")
    axes.set_xlabel("µm", fontsize=style.SMALL)
    axes.tick_params(labelsize=style.SMALL)
    named = {name: Patch(color=colour, alpha=opacity, lw=0) for _, name, colour, opacity in shown}
    axes.legend(
        named.values(),
        named.keys(),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + below,
        borderaxespad=0.0,
        ncols=min(len(named), MOST_BESIDE),
        fontsize=style.SMALL,
        frameon=False,
        handlelength=1.0,
        columnspacing=1.0,
    )
