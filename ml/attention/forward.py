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


class _AttendPart(torch.autograd.Function):
    """Keeps its inputs for backward, and nothing else."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
        ctx.save_for_backward(q, k, v)
        ctx.work = work
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

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v = ctx.saved_tensors
        work: Work = ctx.work
        dq, dk, dv = (torch.zeros_like(each, dtype=compute_type(q)) for each in (q, k, v))
        for chunk in _chunks(work, q):
            decay = Decay(work.numbers, chunk, q.device, compute_type(q))
            for heads in _passes(q):
                tensors = ChunkTensors(q, k, v, work, chunk, decay, heads)
                sums = ChunkGradients(tensors)
                for block in chunk.blocks:
                    dy = gradients[0][heads, _rows(block, work)]
                    sums.add(block, dy.to(decay.dtype).transpose(1, 2))
                sums.add_to_inputs(dq, dk, dv)
        if work.numbers.quantise:
            for gradient, x in ((dq, q), (dk, k), (dv, v)):
                gradient *= within_unit(x)
        return dq.to(q.dtype), dk.to(q.dtype), dv.to(q.dtype), None


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
