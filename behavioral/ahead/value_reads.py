"""Outputs of ideal V arrays for a block of queries at once."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.ahead.block import Block, Floats, Pulses, first
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.cells.driven_columns import add_up, charges_by_code

FEW = 8
"""Queries at a time whose intermediate values stay in the cache."""
SPARSE = 1 / 24
"""Share of driven columns up to which it is quicker to read them one by one than by products."""


class ValueReads:
    """Reads of an ideal V array for blocks of at most ``queries`` queries.

    A read takes the array as it is before the block's first token is written to it. What it
    returns holds until the next one: memory is taken once, since new pages are slow.

    Parameters
    ----------
    groups : groups of heads, each with cells of its own
    decay : as for ``CellArray.read_tiles``
    pulses : phi pulses, fractions of a phase, of scores' charges of any shape
    samples : as ``AnalogHead.convert`` gives them, of outputs' charges of any shape
    """

    def __init__(
        self,
        array: CellArray,
        queries: int,
        groups: int,
        decay: float,
        pulses: Callable[[Floats], Floats],
        samples: Callable[[Floats], Pulses],
    ) -> None:
        self._array, self._decay = array, decay
        self._pulses, self._samples = pulses, samples
        config = array.config
        tiles, columns, dims = config.tiles, config.columns, config.head_dim
        self._outputs = np.empty((queries, groups, tiles, dims))
        self._drive = np.empty(queries * array.slots)
        self._weights = np.empty_like(self._drive)
        self._of_tiles = np.empty((tiles, queries, dims))
        self._part_of_tiles = np.empty_like(self._of_tiles)
        self._cells = np.empty((tiles, columns, dims))
        self._levels = array.powers_of_code.astype(np.float64)

    def outputs(self, block: Block, scores: Floats) -> Floats:
        """Charge per sub-tile and dimension, (B * G, groups, tiles, D), for ``KeyReads.scores``."""
        slots, exist = self._array.slots, self._array.config.stored_columns
        if scores.shape[-1] < slots and (scores[..., -1] > 0).any():
            further = [(0, 0), (0, 0), (0, slots - scores.shape[-1])]
            scores = np.pad(scores, further, mode="edge")
        scores = scores[..., :exist]
        driven = np.flatnonzero(scores > 0)
        if len(driven) <= SPARSE * scores.size:
            return self._one_by_one(block, scores, driven)
        return self._by_products(block, scores)

    def converted(self, outputs: Floats) -> Pulses:
        """What converters make of ``outputs`` (B * G, groups, tiles, D), in the same shape."""
        seen, negative = np.zeros(outputs.shape, np.int16), np.zeros(outputs.shape, np.bool_)
        for begin in range(0, len(outputs), FEW):
            few = slice(begin, begin + FEW)
            read = outputs[few].any(axis=-1)
            seen[few][read], negative[few][read] = self._samples(outputs[few][read])
        return seen, negative

    def _one_by_one(self, block: Block, scores: Floats, driven: NDArray[np.intp]) -> Floats:
        """As ``outputs``, from the columns at ``driven`` of all scores and from no other."""
        array = self._array
        queries, groups, count = scores.shape
        tiles, columns, dims = self._cells.shape
        row, column = np.divmod(driven, count)
        query, group = np.divmod(row, groups)
        tile = row * tiles + column // columns
        ages, token = block.ages_found(array, query, column)
        factors = array.ageing.factors(self._decay, ages)
        drive = self._pulses(scores.ravel()[driven])
        # The codes of all groups' columns, then those of the block's tokens.
        both = [array.codes, block.v_code]
        codes = np.concatenate(both, axis=None, dtype=np.uint8, casting="unsafe").reshape(-1, dims)
        written = groups * array.slots + token * groups + group
        place = np.where(token < 0, group * array.slots + column, written)
        outputs = self._outputs[:queries]
        outputs[:] = 0.0
        ends = np.searchsorted(query, np.arange(FEW, queries + FEW, FEW)).tolist()
        for begin, end in pairwise([0, *ends]):
            some = slice(begin, end)
            read = charges_by_code(
                drive[some],
                factors[:, some],
                codes.take(place[some], axis=0),
                self._levels,
                array.uniform_constant,
            )
            add_up(read, tile[some], outputs)
        return outputs

    def _by_products(self, block: Block, scores: Floats) -> Floats:
        """As ``outputs``, from products of matrices, sub-tile by sub-tile."""
        array, own, places = self._array, block.own, block.places
        queries, groups, count = scores.shape
        _, columns, dims = self._cells.shape
        tiles = -(-count // columns)
        drive = first(self._drive, queries, tiles * columns)
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
        weights = first(self._weights, *drive.shape)
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
