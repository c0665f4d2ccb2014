"""The plan of the block of arrays: slices in a grid above a strip of DACs, and pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gaincell.config import HeadConfig
from gaincell.layout.floorplan.blocks import GAP, LADDERS, SELECTORS, Block
from gaincell.layout.floorplan.ports import Port
from gaincell.layout.floorplan.rooms import Unit
from gaincell.layout.floorplan.slices import CHANNEL, Slice

SITE, ROW = 460, 2720
"""Site and row of the control's cells, nm: the block's sides are whole numbers of them."""
TRACK, TRACK_OFFSET = 460, 230
"""Tracks of metal 2, nm."""
PIN_WIDTH, PIN_DEPTH = 140, 600
"""A pin of metal 2 at the lower edge, nm."""
STRAP_WIDTH, STRAP_EDGE = 3200, 2000
"""Supply straps of metal 4, nm: width, and distance from a channel's edge."""
SUPPLIES = ("VPWR", "VGND")
LONGEST = 2.5
"""Ratio of the sides up to which only the area of a grid counts."""


@dataclass(frozen=True)
class Rect:
    """A shape of a pin, nm."""

    name: str
    left: int
    low: int
    right: int
    high: int


@dataclass(frozen=True)
class ArraysPlan:
    """The block of arrays; its lower left corner is 0, 0, and sizes are in nm.

    columns, rows : of the grid of slices
    slices : lower left corner of each sub-tile's slice
    piece : one slice
    strip : blocks below the slices
    pins : one of metal 2 for each bit of a port
    straps : of metal 4, named by their supply
    """

    width: int
    height: int
    columns: int
    rows: int
    slices: tuple[tuple[int, int], ...]
    piece: Slice
    strip: tuple[Block, ...]
    pins: tuple[Rect, ...]
    straps: tuple[Rect, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Those of the strip and of all slices."""
        moved = [block.moved(*corner) for corner in self.slices for block in self.piece.blocks]
        return *self.strip, *moved


def plan_arrays(
    config: HeadConfig, piece: Slice, units: Mapping[str, Unit], ports: Sequence[Port]
) -> ArraysPlan:
    """Put the slices of all sub-tiles in a grid; ``ports`` are those of the control."""
    bits = _bits([port for port in ports if port.of_arrays])
    tiles, dims = config.tiles, config.head_dim
    least = max(TRACK * (len(bits) + 1), _narrowest(units))

    def sides(columns: int) -> tuple[int, int]:
        """Width, and height above the strip of DACs."""
        rows = -(-tiles // columns)
        width = _whole(max(columns * (piece.width + CHANNEL) + CHANNEL, least), SITE)
        return width, GAP + rows * (piece.height + GAP)

    def cost(columns: int) -> float:
        width, above = sides(columns)
        height = _top(_strip(width, dims, units)) + above
        return width * height * max(1.0, max(width, height) / min(width, height) / LONGEST)

    columns = min(range(1, tiles + 1), key=lambda count: (cost(count), count))
    width, above = sides(columns)
    strip = _strip(width, dims, units)
    low, height = _top(strip) + GAP, _whole(_top(strip) + above, ROW)
    corners = []
    for tile in range(tiles):
        row, column = divmod(tile, columns)
        x = CHANNEL + column * (piece.width + CHANNEL)
        corners.append((x, low + row * (piece.height + GAP)))
    return ArraysPlan(
        width=width,
        height=height,
        columns=columns,
        rows=-(-tiles // columns),
        slices=tuple(corners),
        piece=piece,
        strip=strip,
        pins=tuple(_pins(bits, width)),
        straps=tuple(_straps(columns, piece.width, low, height)),
    )


def _strip(width: int, dims: int, units: Mapping[str, Unit]) -> tuple[Block, ...]:
    """DACs' selectors of keys to the left, of values to the right, the ladders in between."""
    selector = units[SELECTORS]
    low = PIN_DEPTH + GAP
    ladders = units[LADDERS].beside(LADDERS, 2, selector.height)
    side = (width - ladders.width - 4 * GAP) // 2
    block = selector.under(SELECTORS, dims, side // 5 * 5)
    middle = (width - ladders.width) // 10 * 5
    return (
        block.moved(GAP, low),
        ladders.moved(middle, low),
        block.moved(width - GAP - block.width, low),
    )


def _narrowest(units: Mapping[str, Unit]) -> int:
    """Width that the strip of DACs needs, nm."""
    ladders = units[LADDERS].beside(LADDERS, 2, units[SELECTORS].height)
    return 2 * units[SELECTORS].narrowest + ladders.width + 4 * GAP


def _top(blocks: Sequence[Block]) -> int:
    return max(block.top for block in blocks)


def _bits(ports: Sequence[Port]) -> list[str]:
    """Bits from left to right: what the control drives, then pulse and sign of each converter."""
    driven = [bit for port in ports if port.direction == "output" for bit in port.bits]
    read = zip(*(port.bits for port in ports if port.direction == "input"), strict=True)
    return driven + [bit for pair in read for bit in pair]


def _pins(bits: Sequence[str], width: int) -> list[Rect]:
    """Pins at the lower edge, evenly spread over tracks."""
    tracks = (width - TRACK) // TRACK
    pins = []
    for place, bit in enumerate(bits):
        track = (2 * place + 1) * tracks // (2 * len(bits))
        middle = TRACK_OFFSET + track * TRACK
        pins.append(Rect(bit, middle - PIN_WIDTH // 2, 0, middle + PIN_WIDTH // 2, PIN_DEPTH))
    return pins


def _straps(columns: int, piece: int, low: int, height: int) -> list[Rect]:
    """A pair of straps beside each column of slices, up to the upper edge."""
    straps = []
    for column in range(columns + 1):
        left = column * (piece + CHANNEL)
        for name, place in zip(
            SUPPLIES, (STRAP_EDGE, CHANNEL - STRAP_EDGE - STRAP_WIDTH), strict=True
        ):
            straps.append(Rect(name, left + place, low, left + place + STRAP_WIDTH, height))
    return straps


def _whole(nm: int, step: int) -> int:
    """The next multiple of ``step``."""
    return -(-nm // step) * step
