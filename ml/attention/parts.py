"""The columns that each block of queries sees, as whole sub-tiles of the sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gaincell.config import HeadConfig

BLOCK_QUERIES = 128
CHUNK_QUERIES = 1024


@dataclass(frozen=True)
class Block:
    """Queries begin..end-1 and the columns low..high-1 that they see, in absolute positions.

    low and high are multiples of the part's ``columns``.
    """

    begin: int
    end: int
    low: int
    high: int


@dataclass(frozen=True)
class Chunk:
    """Successive blocks that share the powers of columns low..high-1, and one origin of ages."""

    begin: int
    end: int
    low: int
    high: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Part:
    """The ring's sub-tiles or the sink's one: columns that store tokens begin..end-1, in order.

    columns : columns of one sub-tile
    laps : sub-tiles of the ring: after so many, the next one reuses the first; 0: no reuse
    window : tokens that a query sees, itself included; None: all since the first
    """

    columns: int
    laps: int
    window: int | None
    begin: int
    end: int | None
    _masks: dict[tuple[int, ...], list[tuple[slice, Tensor]]] = field(default_factory=dict)

    def chunks(self, begin: int, end: int, growth: float) -> Iterator[Chunk]:
        """Chunks of the queries begin..end-1; blocks start at multiples of their length.

        ``growth`` bounds the queries of a chunk: beyond it decay factors would overflow.
        """
        length = BLOCK_QUERIES
        if self.columns <= length:
            length -= length % self.columns
        if self.window is not None:
            # A longer block would compute more columns that most of its queries do not see.
            length = min(length, self.columns * -(-self.window // self.columns))
        longest = max(length, CHUNK_QUERIES - CHUNK_QUERIES % length)
        if growth < longest:
            longest = max(1, int(growth))
            length = min(length, longest)
            longest -= longest % length
        position = begin
        while position < end:
            stop = min(end, position - position % longest + longest)
            blocks = tuple(self._blocks(position, stop, length))
            if blocks:
                low = min(block.low for block in blocks)
                high = max(block.high for block in blocks)
                yield Chunk(position, stop, low, high, blocks)
            position = stop

    def hide(self, phi: Tensor, block: Block) -> None:
        """Set phi (G, columns of the block, queries) to 0 in place where a query sees no token."""
        for rows, seen in self._seen(phi, block):
            phi[:, rows] *= seen

    def _blocks(self, begin: int, end: int, length: int) -> Iterator[Block]:
        position = begin
        while position < end:
            stop = min(end, position - position % length + length)
            oldest = 0 if self.window is None else position - self.window + 1
            low = max(self.begin, oldest) // self.columns * self.columns
            newest = stop if self.end is None else min(stop, self.end)
            high = -(-newest // self.columns) * self.columns
            if newest > max(self.begin, low):
                yield Block(position, stop, low, high)
            position = stop

    def _seen(self, phi: Tensor, block: Block) -> list[tuple[slice, Tensor]]:
        """Rows of columns that some query does not see, with a mask (rows, queries) of 0 and 1."""
        low, high, begin, end = block.low, block.high, block.begin, block.end
        unborn = max(0, self.begin - low)
        key = (low - begin, high - begin, end - begin, unborn, phi.dtype.itemsize)
        if key not in self._masks:
            query = torch.arange(begin, end, device=phi.device)
            column = torch.arange(low, high, device=phi.device)[:, None]
            seen = (column <= query) & (column >= self.begin)
            stale = 0
            if self.window is not None:
                seen &= column > query - self.window
                stale = max(0, end - self.window - low)
            head = slice(0, min(max(unborn, stale), high - low))
            tail = slice(max(head.stop, begin - low), high - low)
            self._masks[key] = [
                (rows, seen[rows].to(phi.dtype)) for rows in (head, tail) if rows.start < rows.stop
            ]
        return self._masks[key]


def ring_part(config: HeadConfig, first_key: int = 0, *, merge: bool = True) -> Part:
    """The ring's sub-tiles of keys from position ``first_key`` on.

    ``merge`` False cuts sub-tiles by position in the sequence and never adds two of them.
    """
    laps = config.ring_tiles if merge else 0
    return Part(config.columns, laps, config.window, max(first_key, config.sink), None)


def sink_part(config: HeadConfig) -> Part:
    """The extra sub-tile of the first tokens of a sequence, which are never overwritten."""
    return Part(config.sink, 0, None, 0, config.sink)


def fold(charge: Tensor, laps: int) -> Tensor:
    """Add up the sub-tiles (G, tiles, …) of the sequence that are the same sub-tile of the ring.

    In place: returns a view of the last ``laps`` sub-tiles, which then hold the sums.
    """
    tiles = charge.shape[1]
    if not laps or tiles <= laps:
        return charge
    folded = charge[:, tiles - laps :]
    for last in range(tiles - laps, 0, -laps):
        older = charge[:, max(0, last - laps) : last]
        folded[:, laps - older.shape[1] :] += older
    return folded


def unfold(charge: Tensor, laps: int) -> None:
    """Copy the sums of ``fold`` from the last sub-tiles to all others of the sequence, in place."""
    tiles = charge.shape[1]
    if not laps or tiles <= laps:
        return
    folded = charge[:, tiles - laps :]
    for last in range(tiles - laps, 0, -laps):
        older = charge[:, max(0, last - laps) : last]
        older.copy_(folded[:, laps - older.shape[1] :])
