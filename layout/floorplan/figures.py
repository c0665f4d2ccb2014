"""The figures of a floorplan, from its blocks and from what its checks found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaincell.config import HeadConfig
from gaincell.layout.arrays.flow import PAPER_NODE_NM
from gaincell.layout.deck import DeckResult
from gaincell.layout.floorplan.blocks import CONTROL, PARTS, SUBCIRCUITS, Block
from gaincell.layout.floorplan.estimates import Estimates
from gaincell.layout.floorplan.metrics import FloorplanMetrics, Part
from gaincell.layout.floorplan.units import Drawings
from gaincell.layout.process import Process
from gaincell.spice.design import Design
from gaincell.synth.estimate.analog import PAPER_HEAD_UM2

NOT_COUNTED = (
    "wires between the blocks, drivers of the write word lines with their decoders, "
    "supplies and pads"
)
DRAWN, PLACED, ESTIMATED = "drawn", "placed", "estimated, not drawn"


@dataclass(frozen=True)
class Checks:
    """What the checks found; the fields are those of ``FloorplanMetrics``."""

    violations: dict[str, int]
    too_near: int
    other_circuits: list[str]
    deck: DeckResult | None = None


def state(block: Block) -> str:
    """What there is of a part."""
    if block.part == CONTROL:
        return PLACED
    return ESTIMATED if block.is_outline else DRAWN


def figures(
    config: HeadConfig,
    design: Design,
    process: Process,
    drawings: Drawings,
    found: Estimates,
    blocks: Sequence[Block],
    size: tuple[int, int],
    checks: Checks,
) -> FloorplanMetrics:
    """All figures; ``size`` is that of the head, nm."""
    whole = size[0] * size[1] / 1e6
    parts = {
        name: _part(
            name, [block for block in blocks if block.part == name], design, drawings, found
        )
        for name in PARTS
    }
    capacitors = 0.0
    for name, subcircuit in SUBCIRCUITS.items():
        own = drawings.drawn.get(name)
        one = own.capacitors_um2 if own else found.areas[subcircuit].capacitors
        capacitors += parts[name].count * one
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
        violations=checks.violations,
        deck=checks.deck,
        too_near=checks.too_near,
        other_circuits=checks.other_circuits,
        mm2_28nm=round(whole * scale / 1e6, 4),
        mm2_28nm_capacitors_kept=round((capacitors + (whole - capacitors) * scale) / 1e6, 4),
        paper_mm2=PAPER_HEAD_UM2 / 1e6,
    )


def _part(
    name: str, own: Sequence[Block], design: Design, drawings: Drawings, found: Estimates
) -> Part:
    um2, count = sum(block.um2 for block in own), sum(block.count for block in own)
    low = high = one = None
    drawn = drawings.drawn.get(name)
    if name in SUBCIRCUITS and (drawn is None or found.design == design.name):
        area = found.areas[SUBCIRCUITS[name]]
        low, high = round(count * area.low, 1), round(count * area.high, 1)
    if drawn is not None:
        one = drawn.drawn.width / 1e3, drawn.drawn.height / 1e3
    return Part(
        count=count,
        um2=round(um2, 1),
        low_um2=low,
        high_um2=high,
        one_um=one,
        state=state(own[0]),
        why=drawings.missing.get(name, ""),
    )
