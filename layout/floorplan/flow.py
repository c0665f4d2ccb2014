"""From a config and a placed control to the floorplan of a head: GDS, picture, areas by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.tile import Tile, draw_tile
from gaincell.layout.checks import violations
from gaincell.layout.deck import find_deck, run_deck
from gaincell.layout.floorplan.arrays import ArraysPlan, plan_arrays
from gaincell.layout.floorplan.blocks import CONTROL, GAP, KEYS, VALUES, Block
from gaincell.layout.floorplan.draw import SLICE, STRIP, draw_arrays, draw_head, read_control
from gaincell.layout.floorplan.estimates import Estimates, estimates
from gaincell.layout.floorplan.figures import Checks, figures
from gaincell.layout.floorplan.metrics import PICTURE, FloorplanMetrics
from gaincell.layout.floorplan.neighbours import too_near
from gaincell.layout.floorplan.picture import draw_floorplan
from gaincell.layout.floorplan.ports import Port
from gaincell.layout.floorplan.slices import plan_slice
from gaincell.layout.floorplan.units import Drawings, clearance, draw_parts, units
from gaincell.layout.klayout import save
from gaincell.layout.process import Process
from gaincell.layout.results import write_metrics
from gaincell.layout.rows.lvs import same_circuit
from gaincell.spice.design import Design

GDS, DECK = "head.gds", "deck.xml"
FILLER = "__fill_"
"""Part of the names of cells that only fill gaps."""


@dataclass(frozen=True)
class Arrays:
    """The block of arrays: its plan, its layout in KLayout, sub-tiles by part, and drawings."""

    plan: ArraysPlan
    layout: Any
    tiles: dict[str, Tile]
    drawings: Drawings
    estimates: Estimates


def lay_out_arrays(
    config: HeadConfig, design: Design, process: Process, ports: Sequence[Port]
) -> Arrays:
    """Plan and draw the block of all sub-tiles of a head, with all parts that can be drawn.

    Raises
    ------
    ValueError
        The design's cell cannot be drawn in this process.
    Unable
        KLayout is not installed.
    """
    tiles = {
        part: draw_tile(
            gain_cell(design, process, by_row=by_row), process, config.head_dim, config.columns
        )
        for part, by_row in ((KEYS, False), (VALUES, True))
    }
    drawings, found = draw_parts(design, process), estimates(design, process)
    taken = units(drawings, found, process)
    piece = plan_slice(config, tiles[KEYS], tiles[VALUES], taken)
    plan = plan_arrays(config, piece, taken, ports)
    return Arrays(plan, draw_arrays(plan, tiles, drawings, process), tiles, drawings, found)


def check_arrays(arrays: Arrays, process: Process, say: Callable[[str], None]) -> Checks:
    """Compare each drawn part with its netlist; check a slice, the strip and all places.

    Slices are alike, and further apart than any rule asks.
    """
    others = []
    for part, own in arrays.drawings.drawn.items():
        say(f"comparing {len(own.circuit.devices)} transistors of {part} with the netlist ...")
        if not same_circuit(own.drawn.cell, process, own.circuit):
            others.append(part)
    layout, apart = arrays.layout, clearance(process)
    say(f"checking {len(process.rules)} rules in a slice with all its parts ...")
    broken: Counter[str] = Counter()
    near = too_near(layout.top_cell(), process, apart)
    for name in (SLICE, STRIP):
        cell = layout.cell(name)
        broken.update(violations(cell, process))
        near += too_near(cell, process, apart)
    return Checks(dict(broken), near, others)


def lay_out_head(
    config: HeadConfig,
    design: Design,
    process: Process,
    ports: Sequence[Port],
    control_gds: Path,
    folder: Path,
    say: Callable[[str], None],
) -> FloorplanMetrics:
    """Put a head's arrays above its placed control; ``folder`` gets GDS, picture and metrics.

    Raises
    ------
    ValueError, Unable
        As ``lay_out_arrays``; ValueError, too, if the official deck fails.
    Refused
        The control's GDS cannot be read.
    """
    control = read_control(control_gds)
    say(f"drawing {config.tiles} sub-tiles of keys and of values, and their parts ...")
    arrays = lay_out_arrays(config, design, process, ports)
    checks = check_arrays(arrays, process, say)
    plan = arrays.plan
    box = control.top_cell().bbox()
    width = max(plan.width, box.width())
    above = box.height() + GAP
    control_x, arrays_x = ((width - part) // 10 * 5 for part in (box.width(), plan.width))
    placed = Block(CONTROL, control_x, 0, box.width(), box.height(), 1)
    blocks = [block.moved(arrays_x, above) for block in plan.blocks] + [placed]
    head = draw_head(arrays.layout, control, (arrays_x, above), (control_x - box.left, -box.bottom))
    save(head, folder / GDS)
    deck = find_deck(process.name)
    if deck is not None:
        say(f"running {deck} ...")
        checks = replace(checks, deck=run_deck(deck, folder / GDS, SLICE, folder / DECK))
    size = width, above + plan.height
    metrics = figures(
        config, design, process, arrays.drawings, arrays.estimates, blocks, size, checks
    )
    draw_floorplan(
        blocks,
        (size[0] / 1e3, size[1] / 1e3),
        plan.piece,
        _cells_um(control, control_x),
        arrays.tiles[KEYS].cell_height / 1e3,
        title(metrics),
        folder / PICTURE,
    )
    write_metrics(metrics, folder)
    return metrics


def title(metrics: FloorplanMetrics) -> str:
    """One line over the picture."""
    return f"Floorplan of one head in {metrics.process}, {metrics.sides}"


def _cells_um(control: Any, x: int) -> list[tuple[float, float, float, float]]:
    """Left, low, right and high side of the control's cells, but its fillers, in the floorplan."""
    top = control.top_cell()
    found = []
    for each in top.each_inst():
        if FILLER not in each.cell.name:
            box = each.bbox().moved(x - top.bbox().left, -top.bbox().bottom)
            found.append((box.left / 1e3, box.bottom / 1e3, box.right / 1e3, box.top / 1e3))
    return found
