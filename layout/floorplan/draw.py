"""Draws a floorplan: sub-tiles and parts with all their shapes, others as labelled outlines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gaincell.layout.arrays.tile import Tile
from gaincell.layout.floorplan.arrays import ArraysPlan, Rect
from gaincell.layout.floorplan.blocks import VALUES, Block
from gaincell.layout.floorplan.units import Drawings
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.refusals import Refused

ARRAYS, HEAD = "gaincell_arrays", "gaincell_floorplan"
"""Names of the top cells."""
SLICE, STRIP = "gaincell_slice", "gaincell_dacs"
"""Names of the cells in the first one: of a sub-tile with its parts, and of what is below all."""
STRAPS = "m4"
BLOCK = (236, 0)
"""GDS layer, no mask: what is not drawn, with its name."""
PIN, LABEL = 16, 5
"""GDS datatypes of a metal's pins and labels: https://skywater-pdk.readthedocs.io/en/main/rules/layers.html"""


def draw_arrays(
    plan: ArraysPlan, tiles: Mapping[str, Tile], drawings: Drawings, process: Process
) -> Any:
    """The block of arrays, a layout with one top cell; ``tiles`` by part."""
    kdb = db()
    layout = kdb.Layout()
    layout.dbu = 1e-3
    cells = {}
    drawn = {part: each.drawn.cell for part, each in drawings.drawn.items()}
    for part, cell in ({part: tile.cell for part, tile in tiles.items()} | drawn).items():
        cells[part] = layout.create_cell(cell.name)
        cells[part].copy_tree(cell)
    top = layout.create_cell(ARRAYS)
    outline = layout.layer(*process.layers["outline"])
    top.shapes(outline).insert(kdb.Box(0, 0, plan.width, plan.height))
    strip, piece = layout.create_cell(STRIP), layout.create_cell(SLICE)
    for cell, blocks in ((strip, plan.strip), (piece, plan.piece.blocks)):
        for block in blocks:
            _draw_block(cell, block, cells)
    top.insert(kdb.CellInstArray(strip.cell_index(), kdb.Trans()))
    for corner in plan.slices:
        top.insert(kdb.CellInstArray(piece.cell_index(), kdb.Trans(*corner)))
    _pins(top, plan.pins, process.layers["m2"])
    _pins(top, plan.straps, process.layers[STRAPS])
    return layout


def _draw_block(cell: Any, block: Block, cells: Mapping[str, Any]) -> None:
    """Copies of a part's cell; an outline with its name if there is none."""
    kdb = db()
    if block.is_outline:
        own = cell.shapes(cell.layout().layer(*BLOCK))
        box = kdb.Box(block.x, block.y, block.right, block.top)
        own.insert(box)
        name = f"{block.count} {block.part}, not drawn"
        own.insert(kdb.Text(name, box.center().x, box.center().y))
        return
    turned = block.part == VALUES if block.copies is None else block.copies.turned
    for left, low, _, high in block.each():
        # Turned to the right about its lower left corner, a drawing lies below it.
        corner = kdb.Trans(kdb.Trans.R270, left, low + high) if turned else kdb.Trans(left, low)
        cell.insert(kdb.CellInstArray(cells[block.part].cell_index(), corner))


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
