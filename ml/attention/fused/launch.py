"""Runs the kernels on one part of the arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.fused.backward import query_kernel, stored_kernel
from gaincell.ml.attention.fused.constants import Constants, basis_tensor, query_tensor
from gaincell.ml.attention.fused.forward import forward_kernel

FAR = 1 << 30
"""A window beyond every position."""
STEEP = 0.1
"""Decay exponents per token from which factors of a block's queries could overflow."""


@dataclass(frozen=True)
class Blocks:
    """Queries and columns of a program, and how it is compiled."""

    queries: int
    columns: int
    warps: int
    stages: int


def blocks_of(kernel: str, work: Work, exact: bool) -> Blocks:
    """Sizes that are fast on the GPUs measured in docs/do/bench_gpu.md."""
    width = _padded(work.numbers.config.head_dim)
    columns = _columns(work.part.columns)
    if not exact:
        return Blocks(32 if width > 64 else 64, min(columns, 32), 4, 1)
    if width > 64:
        return Blocks(64, min(columns, 64 if kernel == "forward" else 32), 8, 1)
    return Blocks(64, columns, 4, 2 if kernel == "forward" else 1)


def _padded(size: int) -> int:
    """The power of two that holds a size, 16 at least, as products on matrix units need."""
    return max(16, 1 << (size - 1).bit_length())


def _columns(size: int) -> int:
    """Columns of a block: all of a sub-tile, or an even part of a large one, if there is one."""
    even = size & -size
    return min(64, even) if even >= 16 else min(64, _padded(size))


class Launch:
    """One part's tensors and arguments, the same for all kernels.

    q (G, T, D), k and v (R, S, D): units, contiguous
    """

    def __init__(self, q: Tensor, k: Tensor, v: Tensor, work: Work) -> None:
        numbers, part, config = work.numbers, work.part, work.numbers.config
        self.work = work
        self.constants = constants = Constants.of(numbers)
        self.q = query_tensor(q, config.query_max, constants, numbers.quantise)
        order = max(constants.order, constants.slope_order)
        self.k = basis_tensor(k, config.key_max, constants, order, numbers.quantise)
        self.v = basis_tensor(v, config.value_max, constants, order, numbers.quantise)
        self.heads, self.tokens, self.dims = q.shape
        self.stored = k.shape[1]
        self.split = q.dtype == torch.float32 and not work.coarse
        self.laps = part.laps or 1
        window = FAR if part.window is None else part.window
        last = work.first_key + self.stored
        self.stop = last if part.end is None else min(last, part.end)
        self.table = constants.table(q.device)
        self.positions = (
            self.tokens, self.stored, self.k[0].numel(), work.first_query, work.first_key,
            part.begin, self.stop, window, self.laps, constants.rate,
        )  # fmt: skip
        self.sizes: dict[str, Any] = {
            "GROUP": work.group,
            "D": self.dims,
            "BD": _padded(self.dims),
            "N": part.columns,
            "ORDER": constants.order,
            "DECAY": 0 if not constants.rate else 1 if constants.rate < STEEP else 2,
            "EXACT": constants.exact,
        }

    def forward(self, keep: bool) -> tuple[Tensor, Tensor]:
        """y (G, T, D) float32, and the bits of the charges that are not clipped, if ``keep``."""
        y = torch.empty(self.heads, self.tokens, self.dims, device=self.q.device)
        words = (_padded(self.dims) + 31) // 32
        shape = (self.heads, self.tokens, self.laps, words) if keep else (0,)
        passed = torch.empty(shape, dtype=torch.int32, device=self.q.device)
        score, charge, *_ = self.constants.patterns()
        blocks = blocks_of("forward", self.work, self.constants.exact)
        forward_kernel[(-(-self.tokens // blocks.queries), self.heads)](
            self.q, self.k, self.v, y, passed, self.table, *self.positions,
            self.work.numbers.read_scale,
            SCORE=score, CHARGE=charge, ROUND=self.work.numbers.quantise, KEEP=keep,
            BM=blocks.queries, BN=blocks.columns, **self.sizes, **_compiled(blocks),
        )  # fmt: skip
        return y, passed

    def backward(self, dy: Tensor, passed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of q, k and v, float32, from ``forward``'s bits."""
        constants, config = self.constants, self.work.numbers.config
        dy = dy.contiguous()
        largest = dy.abs().amax().float()
        scale = torch.where(largest > 0, 1 / largest, 1.0)
        dq = torch.empty(self.heads, self.tokens, self.dims, device=dy.device)
        dk, dv = (torch.zeros(x.shape[1:], device=dy.device) for x in (self.k, self.v))
        score, _, score_slope, charge_slope = constants.patterns()
        sizes = self.sizes | {
            "SLOPES": constants.slope_order,
            "SCORE": score,
            "SCORE_SLOPE": score_slope,
            "CHARGE_SLOPE": charge_slope,
            "SPLIT": self.split,
        }
        given = (self.q, self.k, self.v, dy, scale, passed)
        both = constants.score_scale * constants.charge_scale
        blocks = blocks_of("query", self.work, constants.exact)
        query_kernel[(-(-self.tokens // blocks.queries), self.heads)](
            *given, dq, self.table, *self.positions, both * config.query_max,
            BM=blocks.queries, BN=blocks.columns, **sizes, **_compiled(blocks),
        )  # fmt: skip
        blocks = blocks_of("stored", self.work, constants.exact)
        part = self.work.part
        tiles = -(-self.stop // part.columns) - part.begin // part.columns
        if tiles > 0:
            chunks = -(-part.columns // blocks.columns)
            stored_kernel[(tiles * chunks, len(dk))](
                *given, dk, dv, self.table, *self.positions,
                2 * config.key_max * both,
                2 * config.value_max * constants.charge_scale,
                REDUCED=constants.reduced,
                BM=blocks.queries, BN=blocks.columns, **sizes, **_compiled(blocks),
            )  # fmt: skip
        return dq, dk, dv


def _compiled(blocks: Blocks) -> dict[str, int]:
    return {"num_warps": blocks.warps, "num_stages": blocks.stages}
