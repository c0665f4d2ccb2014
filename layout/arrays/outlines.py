"""Outlines of what is drawn, for a picture."""

from __future__ import annotations

from typing import Any

from gaincell.layout.checks import regions
from gaincell.layout.process import Process

Outline = list[tuple[int, int]]


def outlines(cell: Any, process: Process) -> dict[str, list[Outline]]:
    """Corners (x, y) in nm of all polygons of a cell, by layer; layers of labels have none."""
    shapes = regions(cell, process)
    return {
        name: [
            [(point.x, point.y) for point in polygon.to_simple_polygon().each_point()]
            for polygon in shapes[name].each()
        ]
        for name in process.layers
        if not name.endswith("_label")
    }
