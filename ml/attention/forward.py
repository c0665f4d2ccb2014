"""The attention op: blocks of queries over the sub-tiles they see; backward computes them again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.attention.backward import ChunkGradients
from gaincell.ml.attention.chunk_tensors import ChunkTensors, Decay, Work
from gaincell.ml.attention.fused.choice import uses_kernels
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import Block, Chunk, fold
from gaincell.ml.attention.quantisers import rounded_codes, within_unit

_EXPONENT = {torch.float32: 60.0, torch.float64: 300.0}
"""Largest exponent of a decay factor: e^60 times any charge is finite in float32."""


def attend_part(q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
    """y (R * group, T, D) of the queries q, from keys and values (R, S, D).

    Inputs are codes over the largest code; y is in read-out codes, in ``compute_type(q)``, or in
    q's type where the kernels compute it and no sink is added.
    """
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v))
    y: Tensor = _AttendPart.apply(q, k, v, work, keep)[0]  # type: ignore[no-untyped-call]
    return y


def compute_type(x: Tensor) -> torch.dtype:
    """float64 for float64, else float32: half types are inputs and outputs only."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def part_outputs(q: Tensor, k: Tensor, v: Tensor, work: Work) -> Tensor:
    """As ``attend_part``, without a gradient."""
    return _outputs(q, k, v, work, False)[0]


def _outputs(q: Tensor, k: Tensor, v: Tensor, work: Work, keep: bool) -> tuple[Tensor, Tensor]:
    """y, and what the kernels' backward pass needs of it if ``keep``: else an empty tensor."""
    if uses_kernels(q, work.numbers):
        from gaincell.ml.attention.fused.launch import Launch

        return Launch(q, k, v, work).forward(keep)
    y = torch.zeros_like(q, dtype=compute_type(q))
    for chunk in _chunks(work, q):
        decay = Decay(work.numbers, chunk, q.device, compute_type(q))
        for heads in _passes(q):
            tensors = ChunkTensors(q, k, v, work, chunk, decay, heads)
            for block in chunk.blocks:
                steps = tensors.charges(tensors.pulses(block), block)[0]
                folded = fold(steps, work.part.laps)
                y[heads, _rows(block, work)] = _read(folded, work.numbers).transpose(1, 2)
    return y, q.new_empty(0, dtype=torch.int32)


def part_gradients(
    q: Tensor, k: Tensor, v: Tensor, dy: Tensor, work: Work, passed: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v from that of ``attend_part``'s y; shapes as there.

    ``passed`` is what the kernels kept; without it they compute it again.
    """
    if uses_kernels(q, work.numbers):
        from gaincell.ml.attention.fused.launch import Launch

        launch = Launch(q, k, v, work)
        if passed is None or not passed.numel():
            passed = launch.forward(True)[1]
        return launch.backward(dy, passed)
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
    return _of_inputs(dq, dk, dv, q, k, v, work)


def _of_inputs(
    dq: Tensor, dk: Tensor, dv: Tensor, q: Tensor, k: Tensor, v: Tensor, work: Work
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of codes as those of inputs, of their type: 0 where an input was clipped."""
    if work.numbers.quantise:
        for gradient, x in ((dq, q), (dk, k), (dv, v)):
            gradient *= within_unit(x)
    return dq.to(q.dtype), dk.to(q.dtype), dv.to(q.dtype)


class _AttendPart(torch.autograd.Function):
    """Keeps its inputs for backward; of the kernels also which charges are not clipped, as bits."""

    @staticmethod
    def forward(q: Tensor, k: Tensor, v: Tensor, work: Work, keep: bool) -> tuple[Tensor, Tensor]:
        return _outputs(q, k, v, work, keep)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        *tensors, ctx.work, _ = inputs
        ctx.save_for_backward(*tensors, *([output[1]] if output[1].numel() else []))
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        q, k, v, *kept = ctx.saved_tensors
        passed = kept[0] if kept else q.new_empty(0, dtype=torch.int32)
        found = _PartGradients.apply(q, k, v, passed, gradients[0], ctx.work)  # type: ignore[no-untyped-call]
        return (*found, None, None)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], *inputs: Any
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, None]]:
        tensors = _many_in_one(info, in_dims[:3], inputs[:3])
        y, passed = _AttendPart.apply(*tensors, inputs[3], False)  # type: ignore[no-untyped-call]
        return (torch.unflatten(y, 0, (info.batch_size, -1)), passed), (0, None)


class _PartGradients(torch.autograd.Function):
    """A function of its own for ``torch.func.vmap``; it has no gradient."""

    @staticmethod
    def forward(
        q: Tensor, k: Tensor, v: Tensor, passed: Tensor, dy: Tensor, work: Work
    ) -> tuple[Tensor, Tensor, Tensor]:
        return part_gradients(q, k, v, dy, work, passed)

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
        tensors = _many_in_one(info, in_dims[:-1], inputs[:-1])
        found = _PartGradients.apply(*tensors, inputs[-1])  # type: ignore[no-untyped-call]
        return tuple(torch.unflatten(each, 0, (info.batch_size, -1)) for each in found), (0, 0, 0)


def _many_in_one(info: Any, in_dims: tuple[Any, ...], inputs: tuple[Any, ...]) -> list[Tensor]:
    """The tensors of a call under ``vmap``, its dimension put before and into that of the heads."""
    every = []
    for dim, x in zip(in_dims, inputs, strict=True):
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
