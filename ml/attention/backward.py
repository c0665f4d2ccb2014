"""Gradients of the attention op, computed block by block in its backward pass."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import ChunkTensors, kept_heads, key_rows
from gaincell.ml.attention.parts import Block, fold, unfold


class ChunkGradients:
    """Gradients of a chunk, summed over its blocks, for the heads of ``data``.

    With the surrogate gradient, order 1 of the linear cell stands for the whole response: only its
    powers are read and get a gradient.
    """

    def __init__(self, data: ChunkTensors) -> None:
        self.data = data
        numbers, decay = data.work.numbers, data.decay
        self.limit = numbers.read_scale
        if numbers.slope:
            weight = decay.of_queries(numbers.slope)
            self.k_weight = weight * decay.k_scale
            self.dy_weight = weight * decay.v_scale * numbers.read_unit
            self.query = data.x * self.k_weight[:, None]
            self.keys = data.keys[:, :, : numbers.config.head_dim]
            self.values = data.values[:, :, : data.work.part.columns]
        else:
            self.dy_weight = decay.query_k.new_full((len(decay.query_k[0]),), numbers.read_unit)
            self.query, self.keys, self.values = data.query, data.keys, data.values
        self.dquery = torch.zeros_like(self.query)
        self.dkeys = torch.zeros_like(self.keys, memory_format=torch.contiguous_format)
        self.dvalues = torch.zeros_like(self.values, memory_format=torch.contiguous_format)

    def add(self, block: Block, dy: Tensor) -> None:
        """Add the gradients of a block's outputs, dy (G, D, queries)."""
        data, laps = self.data, self.data.work.part.laps
        queries, columns, tiles = (
            data.queries(block),
            data.columns(block),
            data.tiles(block),
        )
        phi = data.pulses(block)
        charge, drive = data.charges(phi, block)
        fold(charge, laps)
        unfold(charge, laps)
        dy = (dy * self.dy_weight[queries])[:, None].expand_as(charge)
        dcharge = torch.ops.aten.hardtanh_backward(dy, charge, -self.limit, self.limit)
        dcharge = dcharge.flatten(0, 1)  # (G * tiles, D, queries)

        if data.work.numbers.slope:
            drive = torch.unflatten(phi, 1, (-1, data.work.part.columns))
        dvalues = torch.bmm(drive.flatten(0, 1), dcharge.transpose(1, 2))
        self.dvalues[:, tiles] += torch.unflatten(dvalues, 0, charge.shape[:2])
        ddrive = torch.bmm(self.values[:, tiles].flatten(0, 1), dcharge)
        dphi = self._dphi(torch.unflatten(ddrive, 0, charge.shape[:2]), block).view_as(phi)
        dscore = torch.ops.aten.hardtanh_backward(dphi, phi, 0.0, 1.0)

        self.dquery[:, queries] += torch.bmm(dscore.transpose(1, 2), self.keys[:, columns])
        self.dkeys[:, columns] += torch.bmm(dscore, self.query[:, queries])

    def _dphi(self, ddrive: Tensor, block: Block) -> Tensor:
        """Gradient of phi (G, tiles, N, queries) from the gradient of the sub-tiles' drive."""
        data, size = self.data, self.data.work.part.columns
        numbers = data.work.numbers
        if numbers.slope:
            return ddrive
        inner, queries = data.terms * size, data.queries(block)
        weight = data.decay.query_v[:, None, queries]
        dphi = (torch.unflatten(ddrive[:, :, :inner], 2, (data.terms, size)) * weight).sum(2)
        if numbers.constant:
            left = torch.unflatten(data.decay.constant_column[data.columns(block)], 0, (-1, size))
            of_all = ddrive[:, :, inner:] * data.decay.constant_v[queries]  # (G, tiles, 1, queries)
            dphi += of_all * left[:, :, None]
        return dphi

    def add_to_inputs(self, dq: Tensor, dk: Tensor, dv: Tensor) -> None:
        """Add the chunk's gradients to the gradients of q, k and v."""
        data = self.data
        work, chunk = data.work, data.chunk
        first, last = chunk.begin - work.first_query, chunk.end - work.first_query
        dq[data.heads, first:last] += self._dx()
        dims, size = data.x.shape[2], work.part.columns
        used = 1 if work.numbers.slope else data.terms
        of_keys = torch.unflatten(self.dkeys[:, :, : used * dims], 2, (used, dims)).unbind(2)
        of_values = torch.unflatten(self.dvalues[:, :, : used * size], 2, (used, size)).unbind(2)
        self._add_powers(dk, list(of_keys), data.key_volts)
        self._add_powers(dv, [power.flatten(1, 2) for power in of_values], data.value_volts)

    def _dx(self) -> Tensor:
        """Gradient of the queries (G, C, D) from the gradient of the weighted queries."""
        data, decay = self.data, self.data.decay
        if data.work.numbers.slope:
            return self.dquery * self.k_weight[:, None]
        dims = data.x.shape[2]
        orders = torch.unflatten(self.dquery[:, :, : data.terms * dims], 2, (data.terms, dims))
        dx = (orders * decay.query_k.t()[:, :, None]).sum(2)
        if data.work.numbers.constant:
            dx += self.dquery[:, :, data.terms * dims :] * decay.constant_k[:, None]
        return dx

    def _add_powers(self, whole: Tensor, of_powers: list[Tensor], volts: Tensor) -> None:
        """Add the gradients of all powers of the volts, each (G, W, D), to ``whole``.

        ``whole`` is the gradient of the keys or of the values.
        """
        work = self.data.work
        total, reached, power = torch.zeros_like(volts), 1, torch.ones_like(volts)
        for order, decay, gradient in zip(
            work.numbers.terms, self.data.decay.column, of_powers, strict=False
        ):
            while reached < order.power:
                power = power * volts
                reached += 1
            total += gradient * power * (order.power * decay)[:, None]
        total *= work.numbers.config.full_scale_v
        if work.group > 1 and len(total) > 1:
            total = torch.unflatten(total, 0, (-1, work.group)).sum(1)
        rows, inside = key_rows(work, self.data.chunk, whole.shape[1])
        whole[kept_heads(self.data.heads, work.group), rows] += total[:, inside]
