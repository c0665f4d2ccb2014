"""Draws a floorplan: sub-tiles with all their shapes, other parts as labelled outlines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gaincell.layout.arrays.tile import Tile
from gaincell.layout.floorplan.arrays import ArraysPlan, Rect
from gaincell.layout.floorplan.slices import DRAWN, KEYS, VALUES
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.refusals import Refused

ARRAYS, HEAD = "gaincell_arrays", "gaincell_floorplan"
"""Names of the top cells."""
BLOCK = (236, 0)
"""GDS layer, no mask: what is not drawn yet, with its name."""
PIN, LABEL = 16, 5
"""GDS datatypes of a metal's pins and labels: https://skywater-pdk.readthedocs.io/en/main/rules/layers.html"""


def draw_arrays(plan: ArraysPlan, keys: Tile, values: Tile, process: Process) -> Any:
    """The block of arrays, a layout with one top cell."""
    kdb = db()
    layout = kdb.Layout()
    layout.dbu = 1e-3
    tiles = {}
    for part, tile in ((KEYS, keys), (VALUES, values)):
        tiles[part] = layout.create_cell(tile.cell.name)
        tiles[part].copy_tree(tile.cell)
    top = layout.create_cell(ARRAYS)
    outline = layout.layer(*process.layers["outline"])
    top.shapes(outline).insert(kdb.Box(0, 0, plan.width, plan.height))
    own = layout.layer(*BLOCK)
    for block in plan.blocks:
        box = kdb.Box(block.x, block.y, block.right, block.top)
        if block.part not in DRAWN:
            top.shapes(own).insert(box)
            name = f"{block.count} {block.part}, not drawn"
            top.shapes(own).insert(kdb.Text(name, box.center().x, box.center().y))
            continue
        turned = kdb.Trans.R270 if block.part == VALUES else kdb.Trans.R0
        up = block.height if block.part == VALUES else 0
        corner = kdb.Trans(turned, block.x, block.y + up)
        top.insert(kdb.CellInstArray(tiles[block.part].cell_index(), corner))
    _pins(top, plan.pins, process.layers["m2"])
    _pins(top, plan.straps, process.layers["m4"])
    return layout


def _pins(cell: Any, pins: Iterable[Rect], metal: tuple[int, int]) -> None:
    kdb, layout, (number, drawn) = db(), cell.layout(), metal
    shape, pin, label = (layout.layer(number, datatype) for datatype in (drawn, PIN, LABEL))
    for each in pins:
        box = kdb.Box(each.left, each.low, each.right, each.high)
        cell.shapes(shape).insert(box)
        cell.shapes(pin).insert(box)
        cell.shapes(label).insert(kdb.Text(each.name, box.center().x, box.center().y))


def read_control(gds: Path) -> Any:
    """The control's layout.

    Raises
    ------
    Refused
        The file is no GDS with one top cell.
    """
    layout = db().Layout()
    try:
        layout.read(str(gds))
        layout.top_cell()
    except RuntimeError as error:
        raise Refused(f"control {gds} cannot be read: {str(error).splitlines()[0]}") from error
    return layout


def draw_head(
    arrays: Any, control: Any, arrays_at: tuple[int, int], control_at: tuple[int, int]
) -> Any:
    """Both layouts' top cells in one layout, each at its place, nm."""
    kdb = db()
    layout = kdb.Layout()
    layout.dbu = 1e-3
    top = layout.create_cell(HEAD)
    for part, (x, y) in ((arrays, arrays_at), (control, control_at)):
        inner = layout.create_cell(part.top_cell().name)
        inner.copy_tree(part.top_cell())
        top.insert(kdb.CellInstArray(inner.cell_index(), kdb.Trans(x, y)))
    return layout
