"""Gradients of the attention op, block by block."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.ml.attention.held import Held, kept_heads, key_rows
from gaincell.ml.attention.parts import Block, fold, unfold


class Slopes:
    """Gradients that the blocks of a chunk add up, for the heads of ``held``.

    With a surrogate, order 1 stands for the whole cell: only it is read and given a gradient.
    """

    def __init__(self, held: Held) -> None:
        self.held = held
        numbers, decay = held.work.numbers, held.decay
        self.limit = numbers.read_scale
        if numbers.slope:
            weight = decay.of_queries(numbers.slope)
            self.k_weight = weight * decay.k_scale
            self.dy_weight = weight * decay.v_scale * numbers.read_unit
            self.query = held.x * self.k_weight[:, None]
            self.keys = held.keys[:, :, : numbers.config.head_dim]
            self.values = held.values[:, :, : held.work.part.columns]
        else:
            self.dy_weight = decay.query_k.new_full((len(decay.query_k[0]),), numbers.read_unit)
            self.query, self.keys, self.values = held.query, held.keys, held.values
        self.dquery = torch.zeros_like(self.query)
        self.dkeys = torch.zeros_like(self.keys, memory_format=torch.contiguous_format)
        self.dvalues = torch.zeros_like(self.values, memory_format=torch.contiguous_format)

    def add(self, block: Block, dy: Tensor) -> None:
        """Add the gradients of a block's outputs, dy (G, D, queries)."""
        held, laps = self.held, self.held.work.part.laps
        queries, columns, tiles = held.queries(block), held.columns(block), held.tiles(block)
        phi = held.pulses(block)
        charge, drive = held.charges(phi, block)
        fold(charge, laps)
        unfold(charge, laps)
        dy = (dy * self.dy_weight[queries])[:, None].expand_as(charge)
        dcharge = torch.ops.aten.hardtanh_backward(dy, charge, -self.limit, self.limit)
        dcharge = dcharge.flatten(0, 1)  # (G * tiles, D, queries)

        if held.work.numbers.slope:
            drive = torch.unflatten(phi, 1, (-1, held.work.part.columns))
        dvalues = torch.bmm(drive.flatten(0, 1), dcharge.transpose(1, 2))
        self.dvalues[:, tiles] += torch.unflatten(dvalues, 0, charge.shape[:2])
        ddrive = torch.bmm(self.values[:, tiles].flatten(0, 1), dcharge)
        dphi = self._dphi(torch.unflatten(ddrive, 0, charge.shape[:2]), block).view_as(phi)
        dscore = torch.ops.aten.hardtanh_backward(dphi, phi, 0.0, 1.0)

        self.dquery[:, queries] += torch.bmm(dscore.transpose(1, 2), self.keys[:, columns])
        self.dkeys[:, columns] += torch.bmm(dscore, self.query[:, queries])

    def _dphi(self, ddrive: Tensor, block: Block) -> Tensor:
        """Gradient of phi (G, tiles, N, queries) from that of what drives the sub-tiles."""
        held, size = self.held, self.held.work.part.columns
        numbers = held.work.numbers
        if numbers.slope:
            return ddrive
        inner, queries = held.terms * size, held.queries(block)
        weight = held.decay.query_v[:, None, queries]
        dphi = (torch.unflatten(ddrive[:, :, :inner], 2, (held.terms, size)) * weight).sum(2)
        if numbers.constant:
            left = torch.unflatten(held.decay.constant_column[held.columns(block)], 0, (-1, size))
            of_all = ddrive[:, :, inner:] * held.decay.constant_v[queries]  # (G, tiles, 1, queries)
            dphi += of_all * left[:, :, None]
        return dphi

    def give(self, dq: Tensor, dk: Tensor, dv: Tensor) -> None:
        """Add to the gradients of the inputs."""
        held = self.held
        work, chunk = held.work, held.chunk
        first, last = chunk.begin - work.first_query, chunk.end - work.first_query
        dq[held.heads, first:last] += self._dx()
        dims, size = held.x.shape[2], work.part.columns
        used = 1 if work.numbers.slope else held.terms
        of_keys = torch.unflatten(self.dkeys[:, :, : used * dims], 2, (used, dims)).unbind(2)
        of_values = torch.unflatten(self.dvalues[:, :, : used * size], 2, (used, size)).unbind(2)
        self._give(dk, list(of_keys), held.key_volts)
        self._give(dv, [each.flatten(1, 2) for each in of_values], held.value_volts)

    def _dx(self) -> Tensor:
        """Gradient of the queries (G, C, D) from that of the weighted ones."""
        held, decay = self.held, self.held.decay
        if held.work.numbers.slope:
            return self.dquery * self.k_weight[:, None]
        dims = held.x.shape[2]
        orders = torch.unflatten(self.dquery[:, :, : held.terms * dims], 2, (held.terms, dims))
        dx = (orders * decay.query_k.t()[:, :, None]).sum(2)
        if held.work.numbers.constant:
            dx += self.dquery[:, :, held.terms * dims :] * decay.constant_k[:, None]
        return dx

    def _give(self, whole: Tensor, of_powers: list[Tensor], volts: Tensor) -> None:
        """Add the gradients of the powers, (G, W, D) each, to that of keys or of values."""
        work = self.held.work
        total, reached, power = torch.zeros_like(volts), 1, torch.ones_like(volts)
        for order, decay, gradient in zip(
            work.numbers.terms, self.held.decay.column, of_powers, strict=False
        ):
            while reached < order.power:
                power = power * volts
                reached += 1
            total += gradient * power * (order.power * decay)[:, None]
        total *= work.numbers.config.full_scale_v
        if work.group > 1 and len(total) > 1:
            total = torch.unflatten(total, 0, (-1, work.group)).sum(1)
        rows, inside = key_rows(work, self.held.chunk, whole.shape[1])
        whole[kept_heads(self.held.heads, work.group), rows] += total[:, inside]
