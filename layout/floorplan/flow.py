"""From a config and a placed control to the floorplan of a head: GDS, picture, areas by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.layout.arrays.circuit import gain_cell
from gaincell.layout.arrays.flow import PAPER_NODE_NM
from gaincell.layout.arrays.tile import Tile, draw_tile
from gaincell.layout.checks import violations
from gaincell.layout.floorplan.arrays import ArraysPlan, plan_arrays
from gaincell.layout.floorplan.draw import draw_arrays, draw_head, read_control
from gaincell.layout.floorplan.estimates import Area, Estimates, estimates
from gaincell.layout.floorplan.metrics import PICTURE, FloorplanMetrics, Part
from gaincell.layout.floorplan.picture import draw_floorplan
from gaincell.layout.floorplan.ports import Port
from gaincell.layout.floorplan.slices import (
    CONTROL,
    DACS,
    DRAWN,
    DRIVERS,
    GAP,
    OUTPUT,
    PARTS,
    REFERENCES,
    SCORE,
    Block,
    plan_slice,
    state,
)
from gaincell.layout.klayout import save
from gaincell.layout.process import Process
from gaincell.layout.results import write_metrics
from gaincell.spice.design import Design
from gaincell.synth.estimate.analog import PAPER_HEAD_UM2

GDS = "head.gds"
ESTIMATED = {
    SCORE: "score_converter",
    OUTPUT: "output_converter",
    DACS: "write_select",
    DRIVERS: "line_driver",
    REFERENCES: "references",
}
"""Subcircuits whose estimates the parts that are not drawn have."""
FILLER = "__fill_"
"""Part of the names of cells that only fill gaps."""
NOT_COUNTED = (
    "wires between the blocks, drivers of the write word lines with their decoders, the DACs' "
    "ladders, supplies and pads"
)


@dataclass(frozen=True)
class Arrays:
    """The block of arrays: its plan, its layout in KLayout, and its sub-tiles."""

    plan: ArraysPlan
    layout: Any
    keys: Tile
    values: Tile
    estimates: Estimates


def lay_out_arrays(
    config: HeadConfig, design: Design, process: Process, ports: Sequence[Port]
) -> Arrays:
    """Plan and draw the block of all sub-tiles of a head.

    Raises
    ------
    ValueError
        The design's cell cannot be drawn in this process.
    Unable
        KLayout is not installed.
    """
    keys, values = (
        draw_tile(
            gain_cell(design, process, by_row=by_row), process, config.head_dim, config.columns
        )
        for by_row in (False, True)
    )
    found = estimates(design, process)
    plan = plan_arrays(config, plan_slice(config, keys, values, found), found, ports)
    return Arrays(plan, draw_arrays(plan, keys, values, process), keys, values, found)


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
        As ``lay_out_arrays``.
    Refused
        The control's GDS cannot be read.
    """
    control = read_control(control_gds)
    say(f"drawing {config.tiles} sub-tiles of keys and of values ...")
    arrays = lay_out_arrays(config, design, process, ports)
    plan = arrays.plan
    say(f"checking {len(process.rules)} rules in a sub-tile of each ...")
    broken: Counter[str] = Counter()
    for tile in (arrays.keys, arrays.values):
        broken.update(violations(tile.cell, process))
    box = control.top_cell().bbox()
    width = max(plan.width, box.width())
    above = box.height() + GAP
    control_x, arrays_x = ((width - part) // 10 * 5 for part in (box.width(), plan.width))
    placed = Block(CONTROL, control_x, 0, box.width(), box.height(), 1)
    blocks = [block.moved(arrays_x, above) for block in plan.blocks] + [placed]
    head = draw_head(arrays.layout, control, (arrays_x, above), (control_x - box.left, -box.bottom))
    save(head, folder / GDS)
    size = width, above + plan.height
    metrics = _metrics(config, design, process, arrays.estimates, blocks, size, broken)
    draw_floorplan(
        blocks,
        (size[0] / 1e3, size[1] / 1e3),
        _cells_um(control, control_x),
        arrays.keys.cell_height / 1e3,
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


def _metrics(
    config: HeadConfig,
    design: Design,
    process: Process,
    found: Estimates,
    blocks: Sequence[Block],
    size: tuple[int, int],
    broken: Mapping[str, int],
) -> FloorplanMetrics:
    whole = size[0] * size[1] / 1e6
    parts: dict[str, Part] = {}
    capacitors = 0.0
    for name in PARTS:
        own = [block for block in blocks if block.part == name]
        um2, count = sum(block.um2 for block in own), sum(block.count for block in own)
        low = high = um2
        if name not in DRAWN:
            area: Area = found.areas[ESTIMATED[name]]
            low, high = count * area.low, count * area.high
            capacitors += count * area.capacitors
        parts[name] = Part(
            count=count,
            um2=round(um2, 1),
            low_um2=round(low, 1),
            high_um2=round(high, 1),
            state=state(name),
        )
    scale = (PAPER_NODE_NM / process.node_nm) ** 2
    return FloorplanMetrics(
        config=config.fields_set(),
        process=process.name,
        design=design.name,
        estimates_from=found.design,
        estimates_how=found.how,
        not_counted=NOT_COUNTED,
        width_um=size[0] / 1e3,
        height_um=size[1] / 1e3,
        um2=round(whole, 1),
        free_um2=round(whole - sum(part.um2 for part in parts.values()), 1),
        parts=parts,
        rules=len(process.rules),
        violations=dict(broken),
        mm2_28nm=round(whole * scale / 1e6, 4),
        mm2_28nm_capacitors_kept=round((capacitors + (whole - capacitors) * scale) / 1e6, 4),
        paper_mm2=PAPER_HEAD_UM2 / 1e6,
    )
