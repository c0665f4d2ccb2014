"""One slice of a head: a sub-tile of keys, one of values, and what stands around them.

From above: the drivers of the query's word lines beside the keys, whose bit lines run down into the
score converters; these drive the word lines of the values, which are turned by 90 degrees, so that
a token's column of keys stands above its row of values. The bit lines of the values run to the
right, into the strip of output converters beside both arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gaincell.config import HeadConfig
from gaincell.layout.arrays.plan import on_grid
from gaincell.layout.arrays.tile import Tile
from gaincell.layout.floorplan.estimates import Area, Estimates

GAP = 6000
"""Room between blocks, nm."""
KEYS, VALUES, CONTROL = "cells of keys", "cells of values", "digital control"
SCORE, OUTPUT = "score converters", "output converters"
DRIVERS, DACS, REFERENCES = "word line drivers", "DACs", "references"
PARTS = KEYS, VALUES, SCORE, OUTPUT, DRIVERS, DACS, REFERENCES, CONTROL
DRAWN = KEYS, VALUES, CONTROL
"""Parts of which cells and their places are there."""


def state(part: str) -> str:
    """What there is of a part."""
    if part == CONTROL:
        return "placed"
    return "drawn" if part in DRAWN else "estimated, not drawn"


@dataclass(frozen=True)
class Block:
    """A rectangle of ``count`` of a part, nm; ``x``, ``y`` is its lower left corner."""

    part: str
    x: int
    y: int
    width: int
    height: int
    count: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def top(self) -> int:
        return self.y + self.height

    @property
    def um2(self) -> float:
        return self.width * self.height / 1e6

    def moved(self, x: int, y: int) -> Block:
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(frozen=True)
class Slice:
    """Blocks of a slice, whose lower left corner is 0, 0; sizes in nm."""

    blocks: tuple[Block, ...]
    width: int
    height: int


def plan_slice(config: HeadConfig, keys: Tile, values: Tile, estimates: Estimates) -> Slice:
    """The slice of one sub-tile. Parts that are not drawn get the high end of their estimate."""
    dims, tokens, banks = config.head_dim, config.columns, config.timing.banks
    area = estimates.areas
    driver = area["line_driver"]
    # Values lie turned by 90 degrees: their height is along x.
    beside = across(driver, dims, keys.height)
    left = beside + GAP
    value_drivers = across(driver, tokens, values.height)
    score = across(area["score_converter"], banks * tokens, keys.width)
    low = 0
    blocks = []
    for part, width, height, count in (
        (VALUES, values.height, values.width, dims * tokens),
        (DRIVERS, values.height, value_drivers, tokens),
        (SCORE, keys.width, score, banks * tokens),
        (KEYS, keys.width, keys.height, dims * tokens),
    ):
        blocks.append(Block(part, left, low, width, height, count))
        low += height + GAP
    height = low - GAP
    blocks.append(Block(DRIVERS, 0, blocks[-1].y, beside, keys.height, dims))
    edge = left + max(keys.width, values.height) + GAP
    count = banks * dims
    width = across(area["output_converter"], count, height)
    blocks.append(Block(OUTPUT, edge, 0, width, height, count))
    return Slice(tuple(blocks), edge + width, height)


def across(area: Area, count: int, along: int) -> int:
    """Side, nm, of a rectangle that takes ``count`` of ``area``; its other side is ``along``."""
    return max(on_grid(count * area.high * 1e6 / along), 5)
