"""A picture of routed metal."""

from collections.abc import Iterable
from pathlib import Path

from gaincell.layout.digital.placement.core import Core
from gaincell.layout.digital.routing.grid import METAL, Box

COLOURS = {"met1": "#4e79a7", "met2": "#e15759", "met3": "#59a14f", "met4": "#b07aa1"}
HEIGHT_IN = 5.6
ZOOM_UM = 20.0
"""Side of the part that is drawn large."""


def draw_routes(shapes: Iterable[tuple[str, Box]], core: Core, file: Path) -> None:
    """Write a PNG: all metal on the left, and a part of it on the right."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    from gaincell.pictures import style

    corners: dict[str, list[list[tuple[float, float]]]] = {metal: [] for metal in METAL}
    for layer, box in shapes:
        if layer in corners:
            left, low, right, high = (side / 1000 for side in box)
            corners[layer].append([(left, low), (right, low), (right, high), (left, high)])
    zoom_um = min(ZOOM_UM, core.width_um, core.height_um)
    x, y = ((side - zoom_um) / 3 for side in (core.width_um, core.height_um))

    def paint(figure: Figure) -> None:
        figure.set_layout_engine("constrained")
        whole, part = figure.subplots(1, 2)
        for axes in (whole, part):
            for metal in METAL:
                axes.add_collection(
                    PolyCollection(
                        corners[metal], facecolors=COLOURS[metal], alpha=0.6, linewidths=0
                    )
                )
            axes.set_aspect("equal")
            axes.set_xlabel("µm")
        whole.set_xlim(0, core.width_um)
        whole.set_ylim(0, core.height_um)
        whole.set_ylabel("µm")
        whole.add_patch(Rectangle((x, y), zoom_um, zoom_um, fill=False, color="black", lw=0.8))
        part.set_xlim(x, x + zoom_um)
        part.set_ylim(y, y + zoom_um)
        handles = [Patch(color=COLOURS[metal], alpha=0.6, label=metal) for metal in METAL]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(METAL), frameon=False)

    style.draw(paint, HEIGHT_IN, file)
