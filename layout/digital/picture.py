"""A picture of a placement: each cell in the colour of its block."""

from collections.abc import Mapping
from pathlib import Path

from gaincell.layout.digital.placement.core import Core, Places
from gaincell.layout.digital.technology import Technology
from gaincell.synth.netlist import Netlist

CLOCK_TREE = "clock tree"
HEIGHT_IN = 7.0
COLOURS = (
    *("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#9c755f"),
    *("#bab0ac", "#ff9da7", "#86bcb6"),
)


def draw(
    netlist: Netlist,
    block: Mapping[str, str],
    places: Places,
    technology: Technology,
    core: Core,
    file: Path,
) -> None:
    """Write a PNG; blocks are named beside it, the largest first."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from gaincell.pictures import style

    parts: dict[str, list[list[tuple[float, float]]]] = {}
    area: dict[str, float] = {}
    for instance in netlist.instances:
        x, y = places[instance.name]
        cell = technology.cell(instance.cell)
        right, top = x + cell.width_um, y + cell.height_um
        name = block[instance.name]
        parts.setdefault(name, []).append([(x, y), (right, y), (right, top), (x, top)])
        area[name] = area.get(name, 0.0) + cell.width_um * cell.height_um

    def paint(figure: Figure) -> None:
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        names = sorted(parts, key=lambda name: -area[name])
        handles = []
        for at, name in enumerate(names):
            colour = "#222222" if name == CLOCK_TREE else COLOURS[at % len(COLOURS)]
            axes.add_collection(
                PolyCollection(parts[name], facecolors=colour, edgecolors="white", linewidths=0.1)
            )
            handles.append(Patch(color=colour, label=f"{name}, {area[name]:.0f} µm²"))
        axes.set_xlim(0, core.width_um)
        axes.set_ylim(0, core.height_um)
        axes.set_aspect("equal")
        axes.set_xlabel("µm")
        axes.set_ylabel("µm")
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)

    style.draw(paint, HEIGHT_IN, file)
