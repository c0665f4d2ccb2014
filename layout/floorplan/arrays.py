"""The plan of the block of arrays: slices in a grid above a strip of DACs, and pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gaincell.config import HeadConfig
from gaincell.layout.arrays.plan import on_grid
from gaincell.layout.floorplan.estimates import Area, Estimates
from gaincell.layout.floorplan.ports import Port
from gaincell.layout.floorplan.slices import DACS, GAP, REFERENCES, Block, Slice, across

SITE, ROW = 460, 2720
"""Site and row of the control's cells, nm: the block's sides are whole numbers of them."""
TRACK, TRACK_OFFSET = 460, 230
"""Tracks of metal 2, nm."""
PIN_WIDTH, PIN_DEPTH = 140, 600
"""A pin of metal 2 at the lower edge, nm."""
STRAP_WIDTH, STRAP_PITCH = 3200, 150_000
"""Supply straps of metal 4, nm: width, and most between two of one supply."""
SUPPLIES = ("VPWR", "VGND")
ROUNDING = 20
"""What whole steps of the grid may take from the strip's width, nm."""
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
    pins : one of metal 2 for each bit of a port
    straps : of metal 4, named by their supply
    """

    width: int
    height: int
    columns: int
    rows: int
    slices: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]
    pins: tuple[Rect, ...]
    straps: tuple[Rect, ...]


def plan_arrays(
    config: HeadConfig, piece: Slice, estimates: Estimates, ports: Sequence[Port]
) -> ArraysPlan:
    """Put the slices of all sub-tiles in a grid; ``ports`` are those of the control."""
    bits = _bits([port for port in ports if port.of_arrays])
    dac = estimates.areas["write_select"]
    reference = estimates.areas["references"]
    tiles, dims = config.tiles, config.head_dim

    def sides(columns: int) -> tuple[int, int, int]:
        """Width, height, and height of the strip of DACs."""
        rows = -(-tiles // columns)
        pins = TRACK * (len(bits) + 1)
        width = _whole(max(columns * (piece.width + GAP) + GAP, pins), SITE)
        um2 = 2 * dims * dac.high + 2 * reference.high
        strip = on_grid(um2 * 1e6 / (width - 4 * GAP - ROUNDING))
        height = PIN_DEPTH + 2 * GAP + strip + rows * (piece.height + GAP)
        return width, _whole(height, ROW), strip

    def cost(columns: int) -> float:
        width, height, _ = sides(columns)
        return width * height * max(1.0, max(width, height) / min(width, height) / LONGEST)

    columns = min(range(1, tiles + 1), key=lambda count: (cost(count), count))
    width, height, strip = sides(columns)
    low = PIN_DEPTH + GAP
    blocks = _strip(width, low, strip, dims, reference)
    low += strip + GAP
    corners = []
    for tile in range(tiles):
        row, column = divmod(tile, columns)
        corner = GAP + column * (piece.width + GAP), low + row * (piece.height + GAP)
        corners.append(corner)
        blocks += [block.moved(*corner) for block in piece.blocks]
    return ArraysPlan(
        width=width,
        height=height,
        columns=columns,
        rows=-(-tiles // columns),
        slices=tuple(corners),
        blocks=tuple(blocks),
        pins=tuple(_pins(bits, width)),
        straps=tuple(_straps(width, height)),
    )


def _strip(width: int, low: int, height: int, dims: int, reference: Area) -> list[Block]:
    """DACs of keys to the left, of values to the right, the references in between."""
    middle = across(reference, 2, height)
    side = (width - 4 * GAP - middle) // 2 // 5 * 5
    right = 3 * GAP + side + middle
    return [
        Block(DACS, GAP, low, side, height, dims),
        Block(REFERENCES, 2 * GAP + side, low, middle, height, 2),
        Block(DACS, right, low, side, height, dims),
    ]


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


def _straps(width: int, height: int) -> list[Rect]:
    """Pairs of straps from edge to edge, evenly spread."""
    count = max(1, -(-width // STRAP_PITCH))
    straps = []
    for place in range(count):
        middle = (2 * place + 1) * width // (2 * count) // 10 * 10
        for name, side in zip(SUPPLIES, (-1, 1), strict=True):
            left = middle + side * STRAP_WIDTH - STRAP_WIDTH // 2
            straps.append(Rect(name, left, 0, left + STRAP_WIDTH, height))
    return straps


def _whole(nm: int, step: int) -> int:
    """The next multiple of ``step``."""
    return -(-nm // step) * step
