"""One slice of a head: a sub-tile of keys, one of values, and what stands around them.

From above: the keys, and beside them the drivers of the query's word lines. The keys' bit lines run
down into the score converters, which may be wider than the keys. These drive the word lines of the
values, which are turned by 90 degrees, so that a token's column of keys stands above its row of
values. The bit lines of the values run to the right, into the output converters: as many as there
is room for beside the values, and the others in a strip beside all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gaincell.config import HeadConfig
from gaincell.layout.arrays.tile import Tile
from gaincell.layout.floorplan.blocks import (
    DRIVERS,
    GAP,
    KEYS,
    OUTPUT,
    REFERENCES,
    SCORE,
    VALUES,
    Block,
)
from gaincell.layout.floorplan.rooms import Unit

CHANNEL = 12_000
"""Room between slices side by side, nm: a pair of supply straps stands in it."""
WIDEST = 3
"""Width of the converters up to which a slice is tried, over that of what stands above them."""


@dataclass(frozen=True)
class Slice:
    """Blocks of a slice, whose lower left corner is 0, 0; sizes in nm."""

    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        return max(block.right for block in self.blocks)

    @property
    def height(self) -> int:
        return max(block.top for block in self.blocks)

    @property
    def cost(self) -> int:
        """Area with the room to its neighbours, nm2."""
        return (self.width + CHANNEL) * (self.height + GAP)


def plan_slice(config: HeadConfig, keys: Tile, values: Tile, units: Mapping[str, Unit]) -> Slice:
    """The slice of one sub-tile that takes the least area; ``units`` by part."""
    return min(_slices(config, keys, values, units), key=lambda piece: piece.cost)


def _slices(
    config: HeadConfig, keys: Tile, values: Tile, units: Mapping[str, Unit]
) -> Iterator[Slice]:
    """One for each width of the values' drivers and of the score converters."""
    dims, tokens, banks = config.head_dim, config.columns, config.timing.banks
    above = [Block(KEYS, 0, 0, keys.width, keys.height, dims * tokens)]
    for part, count in ((DRIVERS, dims), (REFERENCES, 2 * banks)):
        high = max(block.height for block in above)
        block = units[part].beside(part, count, high)
        above.append(block.moved(above[-1].right + GAP, 0))
    # Values lie turned by 90 degrees: their height is along x.
    low = Block(VALUES, 0, 0, values.height, values.width, dims * tokens)
    row, scores = above[-1].right, banks * tokens
    for wide in [low.width, *units[DRIVERS].widths(tokens, row)]:
        drivers = units[DRIVERS].under(DRIVERS, tokens, wide).moved(0, low.top + GAP)
        least = max(row, low.right, drivers.right)
        for width in [least, *units[SCORE].widths(scores, WIDEST * least)]:
            score = units[SCORE].under(SCORE, scores, width).moved(0, drivers.top + GAP)
            top = [block.moved(0, score.top + GAP) for block in above]
            left = [low, drivers, score, *top]
            yield Slice((*left, *_outputs(banks * dims, left, units[OUTPUT])))


def _outputs(count: int, left: list[Block], unit: Unit) -> list[Block]:
    """Output converters beside the values, and right of everything."""
    low, drivers, score = left[:3]
    edge = max(block.right for block in left)
    x, top = low.right + GAP, drivers.y - GAP
    if drivers.right <= low.right:
        top = score.y - GAP
    inside = min(count, unit.most(edge - x, top))
    blocks = []
    if inside:
        blocks.append(unit.under(OUTPUT, inside, edge - x).moved(x, 0))
    if inside < count:
        height = max(block.top for block in left)
        blocks.append(unit.beside(OUTPUT, count - inside, height).moved(edge + GAP, 0))
    return blocks
