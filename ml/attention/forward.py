"""The attention op: blocks of queries over the sub-tiles they see; backward computes them again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.attention.backward import ChunkGradients
from gaincell.ml.attention.chunk_tensors import ChunkTensors, Decay, Work
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import Block, Chunk, fold
from gaincell.ml.attention.quantisers import rounded_codes, within_unit

_EXPONENT = {torch.float32: 60.0, torch.float64: 300.0}
"""Largest exponent of a decay factor: e^60 times any charge is finite in float32."""


def attend_part(q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
    """y (R * group, T, D) of the queries q, from keys and values (R, S, D).

    Inputs are codes over the largest code; y is in read-out codes, in ``compute_type(q)``.
    """
    y: Tensor = _AttendPart.apply(q, k, v, work)  # type: ignore[no-untyped-call]
    return y


def compute_type(x: Tensor) -> torch.dtype:
    """float64 for float64, else float32: half types are inputs and outputs only."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def part_outputs(q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
    """As ``attend_part``, without a gradient."""
    y = torch.zeros_like(q, dtype=compute_type(q))
    for chunk in _chunks(work, q):
        decay = Decay(work.numbers, chunk, q.device, compute_type(q))
        for heads in _passes(q):
            tensors = ChunkTensors(q, k, v, work, chunk, decay, heads)
            for block in chunk.blocks:
                steps = tensors.charges(tensors.pulses(block), block)[0]
                folded = fold(steps, work.part.laps)
                y[heads, _rows(block, work)] = _read(folded, work.numbers).transpose(1, 2)
    return y


def part_gradients(
    q: Tensor, k: Tensor, v: Tensor, dy: Tensor, work: Work
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v from that of ``attend_part``'s y; shapes as there."""
    dq, dk, dv = (torch.zeros_like(each, dtype=compute_type(q)) for each in (q, k, v))
    for chunk in _chunks(work, q):
        decay = Decay(work.numbers, chunk, q.device, compute_type(q))
        for heads in _passes(q):
            tensors = ChunkTensors(q, k, v, work, chunk, decay, heads)
            sums = ChunkGradients(tensors)
            for block in chunk.blocks:
                of_block = dy[heads, _rows(block, work)]
                sums.add(block, of_block.to(decay.dtype).transpose(1, 2))
            sums.add_to_inputs(dq, dk, dv)
    if work.numbers.quantise:
        for gradient, x in ((dq, q), (dk, k), (dv, v)):
            gradient *= within_unit(x)
    return dq.to(q.dtype), dk.to(q.dtype), dv.to(q.dtype)


class _AttendPart(torch.autograd.Function):
    """Keeps its inputs for backward, and nothing else."""

    @staticmethod
    def forward(q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
        return part_outputs(q, k, v, work)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        *tensors, ctx.work = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        return (*_PartGradients.apply(*ctx.saved_tensors, gradients[0], ctx.work), None)  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        tensors = _many_in_one(info, in_dims, inputs)
        y: Tensor = _AttendPart.apply(*tensors, inputs[-1])  # type: ignore[no-untyped-call]
        return torch.unflatten(y, 0, (info.batch_size, -1)), 0


class _PartGradients(torch.autograd.Function):
    """A function of its own for ``torch.func.vmap``; it has no gradient."""

    @staticmethod
    def forward(
        q: Tensor, k: Tensor, v: Tensor, dy: Tensor, work: Work
    ) -> tuple[Tensor, Tensor, Tensor]:
        return part_gradients(q, k, v, dy, work)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        raise RuntimeError("attention on the arrays can be differentiated once, not twice")

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], *inputs: Any
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        tensors = _many_in_one(info, in_dims, inputs)
        found = _PartGradients.apply(*tensors, inputs[-1])  # type: ignore[no-untyped-call]
        return tuple(torch.unflatten(each, 0, (info.batch_size, -1)) for each in found), (0, 0, 0)


def _many_in_one(info: Any, in_dims: tuple[Any, ...], inputs: tuple[Any, ...]) -> list[Tensor]:
    """The tensors of a call under ``vmap``, its dimension put before and into that of the heads."""
    every = []
    for dim, x in zip(in_dims[:-1], inputs[:-1], strict=True):
        whole = x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
        every.append(whole.flatten(0, 1))
    return every


def _read(charge: Tensor, numbers: Numbers) -> Tensor:
    """y (G, D, queries) of the charges of sub-tiles (G, tiles, D, queries), in read-out steps."""
    limit = numbers.read_scale
    codes = rounded_codes(charge, limit) if numbers.quantise else charge.clamp(-limit, limit)
    y = codes.sum(1)
    return y if numbers.read_unit == 1 else y * numbers.read_unit


def _chunks(work: Work, q: Tensor) -> Iterator[Chunk]:
    rate = work.numbers.fastest_rate
    growth = 1 + _EXPONENT[compute_type(q)] / rate if rate else math.inf
    return work.part.chunks(work.first_query, work.first_query + q.shape[1], growth)


def _passes(q: Tensor) -> Iterator[slice]:
    """Heads to compute at once: one on a CPU, where it fits the cache, and all on a GPU."""
    at_once = 1 if q.device.type == "cpu" else max(1, len(q))
    return (slice(head, head + at_once) for head in range(0, len(q), at_once))


def _rows(block: Block, work: Work) -> slice:
    """Rows of q and y that are a block's queries."""
    return slice(block.begin - work.first_query, block.end - work.first_query)
