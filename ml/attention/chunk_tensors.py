"""The tensors of one chunk of queries, weighted for the orders of the cell's response.

The decay gamma^(i * age) of order i is a factor of the query times one of the column. So the scores
of a block are one matrix product, over the orders of all dimensions. The charges of its sub-tiles
are one batched product, over the orders of all columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.ml.attention.numbers import Numbers, Order
from gaincell.ml.attention.parts import Block, Chunk, Part
from gaincell.ml.attention.quantisers import quantised


@dataclass(frozen=True)
class Work:
    """One call of the op: the head's numbers, the part of its arrays, and the tokens' positions.

    first_query, first_key : absolute positions of index 0 of q, and of k and v
    group : query heads that read one key and value head
    """

    numbers: Numbers
    part: Part
    first_query: int
    first_key: int
    group: int


class Decay:
    """Decay factors of one chunk, the same for all heads.

    query_k, query_v : (terms, C), a factor of each query, with a_i and the scale of scores or of
        read-outs
    column : (terms, W), a factor of each column, without a_i
    constant_* : the same factors of order 0, (C,) and (W,)
    """

    def __init__(
        self, numbers: Numbers, chunk: Chunk, device: torch.device, dtype: torch.dtype
    ) -> None:
        config = numbers.config
        self.k_scale = 1 / config.s_sat
        self.v_scale = numbers.read_scale / config.a_sat
        self._query = torch.arange(chunk.end - chunk.begin, device=device)
        column = torch.arange(chunk.low - chunk.begin, chunk.high - chunk.begin)
        # Columns after the last query fill up a sub-tile and are empty: keep them finite.
        self._column = column.clamp_max_(chunk.end - chunk.begin - 1).to(device)
        self.dtype = dtype
        query = torch.stack([self.of_queries(term) for term in numbers.terms])
        self.query_k, self.query_v = query * self.k_scale, query * self.v_scale
        self.column = torch.stack([self._of_columns(term) for term in numbers.terms])
        if numbers.constant:
            constant = self.of_queries(numbers.constant)
            self.constant_k, self.constant_v = constant * self.k_scale, constant * self.v_scale
            self.constant_column = self._of_columns(numbers.constant)

    def of_queries(self, order: Order) -> Tensor:
        """a * exp(-rate * t), (C,)."""
        return (order.coefficient * torch.exp(-order.rate * self._query.double())).to(self.dtype)

    def _of_columns(self, order: Order) -> Tensor:
        return torch.exp(order.rate * self._column.double()).to(self.dtype)


class ChunkTensors:
    """Queries of a chunk, and the keys and values in the arrays, for the heads ``heads``.

    x : (G, C, D), the queries
    query : (G, C, n * D + c), the queries weighted for each of n orders; c = 1 if the response has
        a constant term, else 0
    keys : (G, W, n * D + c)
    values : (G, W / N, n * N + c, D)
    """

    def __init__(
        self, q: Tensor, k: Tensor, v: Tensor, work: Work, chunk: Chunk, decay: Decay, heads: slice
    ) -> None:
        self.work, self.chunk, self.decay, self.heads = work, chunk, decay, heads
        numbers, config = work.numbers, work.numbers.config
        self.terms = len(numbers.terms)
        first, last = chunk.begin - work.first_query, chunk.end - work.first_query
        self.x = q[heads, first:last].to(decay.dtype)
        if numbers.quantise:
            self.x = quantised(self.x, config.query_max)
        weighted = self.x[:, :, None] * decay.query_k.t()[:, :, None]  # (G, C, n, D)
        self.query = weighted.flatten(2)
        self.key_volts = self._volts(k, config.key_max)
        self.value_volts = self._volts(v, config.value_max)
        of_keys = self._powers(self.key_volts)  # n times (G, W, D)
        columns = work.part.columns
        of_values = [
            torch.unflatten(each, 1, (-1, columns)) for each in self._powers(self.value_volts)
        ]
        if numbers.constant:
            driven = self.x.sum(2, keepdim=True) * decay.constant_k[:, None]
            self.query = torch.cat([self.query, driven], dim=2)
            of_keys.append(decay.constant_column[:, None].expand(len(self.x), -1, 1))
            ones = of_values[0].new_ones(1).expand(*of_values[0].shape[:2], 1, config.head_dim)
            of_values.append(ones)
        self.keys = torch.cat(of_keys, dim=2)
        self.values = torch.cat(of_values, dim=2)

    def pulses(self, block: Block) -> Tensor:
        """phi (G, columns, queries) of a block, 0 where no token is."""
        query = self.query[:, self.queries(block)]
        phi = torch.bmm(self.keys[:, self.columns(block)], query.transpose(1, 2)).clamp_(0, 1)
        self.work.part.hide(phi, block)
        return phi

    def charges(self, phi: Tensor, block: Block) -> tuple[Tensor, Tensor]:
        """Charges of all sub-tiles, (G, tiles, D, queries) in read-out steps, and their drive.

        The drive (G, tiles, n * N + c, queries) is phi times the decay of each order and query.
        """
        numbers, size = self.work.numbers, self.work.part.columns
        tiles = torch.unflatten(phi, 1, (-1, size))  # (G, tiles, N, queries)
        drive = phi.new_empty(*tiles.shape[:2], self.values.shape[2], phi.shape[2])
        inner = self.terms * size
        weight = self.decay.query_v[:, None, self.queries(block)]  # (n, 1, queries)
        orders = torch.unflatten(drive[:, :, :inner], 2, (self.terms, size))
        torch.mul(tiles[:, :, None], weight, out=orders)
        if numbers.constant:
            total = self._total(tiles, block)
            torch.mul(total, self.decay.constant_v[self.queries(block)], out=drive[:, :, inner])
        values = self.values[:, self.tiles(block)].flatten(0, 1)
        charge = torch.bmm(values.transpose(1, 2), drive.flatten(0, 1))
        return torch.unflatten(charge, 0, tiles.shape[:2]), drive

    def _total(self, tiles: Tensor, block: Block) -> Tensor:
        """Sum of the pulses of each sub-tile, (G, tiles, queries), with the constant's decay."""
        assert self.work.numbers.constant
        if not self.work.numbers.constant.rate:
            return tiles.sum(2)
        decay = torch.unflatten(
            self.decay.constant_column[self.columns(block)], 0, (-1, tiles.shape[2])
        )
        return (tiles * decay[:, :, None]).sum(2)

    def queries(self, block: Block) -> slice:
        """The block's queries within the chunk's."""
        return slice(block.begin - self.chunk.begin, block.end - self.chunk.begin)

    def columns(self, block: Block) -> slice:
        """The block's columns within the chunk's."""
        return slice(block.low - self.chunk.low, block.high - self.chunk.low)

    def tiles(self, block: Block) -> slice:
        """The block's sub-tiles within the chunk's."""
        columns, size = self.columns(block), self.work.part.columns
        return slice(columns.start // size, columns.stop // size)

    def _volts(self, x: Tensor, largest: int) -> Tensor:
        """Stored voltages about the center (G, W, D); any finite value where no token is."""
        rows, inside = key_rows(self.work, self.chunk, x.shape[1])
        near = x[kept_heads(self.heads, self.work.group), rows].to(self.decay.dtype)
        if self.work.numbers.quantise:
            near = quantised(near, largest)
        config = self.work.numbers.config
        volts = near.new_zeros(len(near), self.chunk.high - self.chunk.low, near.shape[2])
        torch.mul(near, config.full_scale_v, out=volts[:, inside])
        volts -= config.center_v
        if self.work.group > 1 and len(volts) > 1:
            volts = volts.repeat_interleave(self.work.group, dim=0)
        return volts

    def _powers(self, volts: Tensor) -> list[Tensor]:
        """volts^i, aged, for each order i >= 1: (G, W, D) each."""
        powers, reached, power = [], 1, volts
        for order, decay in zip(self.work.numbers.terms, self.decay.column, strict=True):
            while reached < order.power:
                power = power * volts
                reached += 1
            powers.append(power * decay[:, None])
        return powers


def kept_heads(heads: slice, group: int) -> slice:
    """The key and value heads of some query heads."""
    return slice(heads.start // group, -(-heads.stop // group))


def key_rows(work: Work, chunk: Chunk, keys: int) -> tuple[slice, slice]:
    """Where a chunk's columns are among ``keys`` rows, and where these are among the columns."""
    first = max(chunk.low, work.first_key)
    last = max(first, min(chunk.high, work.first_key + keys))
    rows = slice(first - work.first_key, last - work.first_key)
    return rows, slice(first - chunk.low, last - chunk.low)
