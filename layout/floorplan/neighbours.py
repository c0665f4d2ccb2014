"""Checks that nothing in a floorplan lies over something else, or too near to it."""

from __future__ import annotations

from typing import Any

from gaincell.layout.floorplan.draw import BLOCK, STRAPS
from gaincell.layout.klayout import db
from gaincell.layout.process import Process


def too_near(cell: Any, process: Process, apart: int) -> int:
    """Places where cells in ``cell``, outlines or straps are less than ``apart`` away, nm.

    Distances count along x and y. What is inside of the cells does not matter.
    """
    kdb, layout = db(), cell.layout()
    boxes = kdb.Region()
    for each in cell.each_inst():
        boxes.insert(each.bbox())
    for layer in (BLOCK, process.layers[STRAPS]):
        for shape in cell.shapes(layout.layer(*layer)).each():
            if shape.is_box():
                boxes.insert(shape.box)
    boxes.merged_semantics = False
    return int(boxes.sized(apart // 2).merged(False, 2).count())
