"""Reads of ideal arrays for a block of tokens at once: many matrix products become a few."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.cells import CellArray
from gaincell.behavioral.codes import Codes

Floats = NDArray[np.float64]
FEW = 8
"""Queries at a time whose intermediate values stay in the cache."""


@dataclass(frozen=True)
class Block:
    """B tokens of G queries each that are written one after the other, each to a slot of its own.

    Query n belongs to token n // G. It reads what the tokens up to its own have written.

    slots : (B,) the slot of each token
    k_code, v_code : (B, groups, D)
    width_cycles : (B * G, groups, D) query pulses
    """

    slots: NDArray[np.int64]
    k_code: Codes
    v_code: Codes
    width_cycles: NDArray[np.integer]

    def __len__(self) -> int:
        """B."""
        return len(self.slots)

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """(B * G, B) whether a query reads what a token of the block has written."""
        token = np.arange(len(self))
        return self._of_queries(token)[:, None] >= token

    @cached_property
    def places(self) -> slice | NDArray[np.int64]:
        """``slots`` as an index, quick if one follows the other."""
        first, last = int(self.slots[0]), int(self.slots[-1])
        follow = np.array_equal(self.slots, np.arange(first, first + len(self)))
        return slice(first, last + 1) if follow else self.slots

    def factors(self, array: CellArray, decay: float, columns: int) -> Floats:
        """What is left of each order of a cell at each query: (orders, B * G, columns)."""
        clock = array.clock + 1 + np.arange(len(self))
        ages = clock[:, None] - array.written[:columns]
        since = np.arange(len(self))[:, None] - np.arange(len(self))
        ages[:, self.slots] = np.where(since >= 0, since, ages[:, self.slots])
        return array.aged(decay, self._of_queries(ages))

    def _of_queries(self, each: NDArray[np.int64]) -> NDArray[np.int64]:
        turns = len(self.width_cycles) // len(self)
        return each if turns == 1 else each.repeat(turns, axis=0)


class BlockReads:
    """Reads of ideal K and V arrays for blocks of at most ``queries`` queries.

    Each read takes an array as it is before the block's first token is written to it. What a read
    returns holds until the next one: memory is taken once, since new pages are slow.

    Parameters
    ----------
    decay, full : as for ``CellArray.read_columns``
    pulses : phi pulses, fractions of a phase, of scores' charges (..., slots)
    """

    def __init__(
        self,
        k: CellArray,
        v: CellArray,
        queries: int,
        decay: float,
        pulses: Callable[[Floats], Floats],
    ) -> None:
        self._k, self._v, self._decay, self._pulses = k, v, decay, pulses
        config = self._config = k.config
        groups = k.powers.size // (len(k.powers) * k.slots * config.head_dim)
        tiles, columns, dims = config.tiles, config.columns, config.head_dim
        self._scores = np.empty(queries * groups * k.slots)
        self._outputs = np.empty((queries, groups, tiles, dims))
        self._part = np.empty(queries * k.slots)
        self._drive, self._weights = np.empty_like(self._part), np.empty_like(self._part)
        self._of_tiles = np.empty((tiles, queries, dims))
        self._part_of_tiles = np.empty_like(self._of_tiles)
        self._cells = np.empty((tiles, columns, dims))
        self._levels = v.powers_of_code.astype(np.float64)

    def scores(self, block: Block) -> Floats:
        """Charge of each column of K, (B * G, groups, n), for the queries of a block.

        With n < slots, the last charge is that of all further columns.
        """
        array, own, places = self._k, block.own, block.places
        queries, groups, dims = block.width_cycles.shape
        full = self._config.pulse_cycles
        count = array.different(int(block.slots.max()) + 1)
        factors = block.factors(array, self._decay, count)
        factors /= full
        stored = array.powers.reshape(-1, groups, array.slots, dims)
        written = array.powers_of_code.take(block.k_code, axis=1)
        scores = _first(self._scores, queries, groups, count)
        part = _first(self._part, queries, count)
        for group in range(groups):
            pulses = block.width_cycles[:, group].astype(np.float32)
            driven = pulses.sum(axis=-1, dtype=np.float64)
            total = scores[:, group]
            total[:] = array.uniform_constant / full * driven[:, None]
            orders = zip(factors, stored[:, group], written[:, :, group], strict=True)
            for factor, old, new in orders:
                charge = pulses @ old[:count].T
                charge[:, places] = np.where(own, pulses @ new.T, charge[:, places])
                total += np.multiply(charge, factor, out=part)
        return scores

    def outputs(self, block: Block, scores: Floats) -> Floats:
        """Charge per sub-tile and dimension, (B * G, groups, tiles, D), for a block's scores."""
        array, own, places = self._v, block.own, block.places
        queries, groups, count = scores.shape
        _, columns, dims = self._cells.shape
        if count < array.slots and (scores[..., -1] > 0).any():
            further = [(0, 0), (0, 0), (0, array.slots - count)]
            scores, count = np.pad(scores, further, mode="edge"), array.slots
        tiles = -(-count // columns)
        drive = _first(self._drive, queries, tiles * columns)
        drive[:, count:] = 0.0
        factors = block.factors(array, self._decay, tiles * columns)
        fresh_factors = factors[:, :, places]
        weighing = factors.reshape(len(factors), queries, tiles, columns).swapaxes(1, 2)
        stored = array.codes.reshape(groups, -1, columns, dims)[:, :tiles]
        outputs = self._outputs[:queries]
        outputs[:, :, tiles:] = 0.0
        by_tile = drive.reshape(queries, tiles, columns).swapaxes(0, 1)
        written_tiles = np.unique(block.slots // columns)
        for group in range(groups):
            for begin in range(0, queries, FEW):
                few = slice(begin, begin + FEW)
                drive[few, :count] = self._pulses(scores[few, group])
            fresh = np.where(own, drive[:, places], 0.0)
            charge = outputs[:, group, :tiles].swapaxes(0, 1)
            charge[:] = array.uniform_constant * by_tile.sum(axis=-1)[..., None]
            driven = np.flatnonzero(by_tile.any(axis=(1, 2)))
            drive[:, places] -= fresh
            if len(driven) == tiles:
                charge += self._read(by_tile, weighing, stored[group], slice(None))
            elif len(driven):
                charge[driven] += self._read(by_tile[driven], weighing, stored[group], driven)
            for tile in written_tiles:
                here = np.flatnonzero(block.slots // columns == tile)
                for level, factor in zip(self._levels, fresh_factors, strict=True):
                    cells = level.take(block.v_code[here, group])
                    charge[tile] += (fresh[:, here] * factor[:, here]) @ cells
        return outputs

    def _read(
        self,
        drive: Floats,
        factors: Floats,
        codes: NDArray[np.uint8],
        tiles: NDArray[np.intp] | slice,
    ) -> Floats:
        """What ``drive`` (n, N, columns) reads of n ``tiles``: (n, N, D), until the next read."""
        codes = codes[tiles]
        count, queries, _ = drive.shape
        weights = _first(self._weights, *drive.shape)
        part = self._part_of_tiles[:count, :queries]
        total, cells = self._of_tiles[:count, :queries], self._cells[:count]
        for order, (level, factor) in enumerate(zip(self._levels, factors, strict=True)):
            np.multiply(drive, factor[tiles], out=weights)
            level.take(codes, out=cells, mode="clip")
            if order:
                total += np.matmul(weights, cells, out=part)
            else:
                np.matmul(weights, cells, out=total)
        return total


def _first(memory: Floats, *shape: int) -> Floats:
    """The first numbers of ``memory`` in this shape."""
    return memory[: math.prod(shape)].reshape(shape)
