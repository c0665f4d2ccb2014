"""Runs the kernels on one part of the arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.fused.constants import Constants
from gaincell.ml.attention.fused.forward import forward_kernel
from gaincell.ml.attention.fused.prepare import codes_kernel
from gaincell.ml.attention.fused.query_gradient import query_kernel
from gaincell.ml.attention.fused.stored_gradient import stored_kernel

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

    q (G, T, D), k and v (R, S, D): units
    """

    def __init__(self, q: Tensor, k: Tensor, v: Tensor, work: Work) -> None:
        numbers, part = work.numbers, work.part
        self.work = work
        self.units = q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        self.constants = constants = Constants.of(numbers)
        self.width = _padded(q.shape[2])
        self.q, self.k, self.v = self._codes()
        self.heads, self.tokens, self.dims = q.shape
        self.stored = k.shape[1]
        self.split = q.dtype == torch.float32 and not numbers.coarse
        self.laps = part.laps or 1
        window = FAR if part.window is None else part.window
        last = work.first_key + self.stored
        self.stop = last if part.end is None else min(last, part.end)
        self.all_stored = part.begin <= work.first_key and self.stop == last
        self.table = constants.table(q.device)
        self.positions = (
            self.tokens, self.stored, self.k[0].numel(), work.first_query, work.first_key,
            part.begin, self.stop, window, self.laps, constants.rate,
        )  # fmt: skip
        self.sizes: dict[str, Any] = {
            "GROUP": work.group,
            "D": self.dims,
            "BD": self.width,
            "N": part.columns,
            "ORDER": constants.order,
            "DECAY": 0 if not constants.rate else 1 if constants.rate < STEEP else 2,
            "EXACT": constants.exact,
        }

    def _codes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Codes of the queries (G, T, D); the basis of keys and of values, (order, R, S, D) each.

        float16 if that is exact, else float32.
        """
        (q, k, v), numbers, constants = self.units, self.work.numbers, self.constants
        config, kind = numbers.config, torch.float16 if constants.exact else torch.float32
        order = max(constants.order, constants.slope_order)
        codes = torch.empty(q.shape, dtype=kind, device=q.device)
        keys, values = (torch.empty((order, *k.shape), dtype=kind, device=q.device) for _ in "kv")
        rows = max(1, 2048 // self.width)
        grid = (-(-max(q.shape[1], k.shape[1]) // rows), len(q) + 2 * len(k))
        codes_kernel[grid](
            q, k, v, codes, keys, values, q.shape[1], k.shape[1], k.numel(), len(q), len(k),
            config.query_max, config.key_max, config.value_max,
            D=q.shape[2], BD=self.width, ROWS=rows, ORDER=order, REDUCED=constants.reduced,
            ROUND=numbers.quantise, num_warps=4, enable_fp_fusion=False,
        )  # fmt: skip
        return codes, keys, values

    def forward(self, keep: bool) -> tuple[Tensor, Tensor]:
        """y (G, T, D), and the bits of the charges that are not clipped, if ``keep``.

        y is of q's type; float32 if a sink's y is added to it.
        """
        kind = torch.float32 if self.work.numbers.config.sink else self.units[0].dtype
        y = torch.empty(self.q.shape, dtype=kind, device=self.q.device)
        words = (self.width + 31) // 32
        shape = (self.heads, self.tokens, self.laps, words) if keep else (0,)
        passed = torch.empty(shape, dtype=torch.int32, device=self.q.device)
        score, charge, *_ = self.constants.patterns
        blocks = blocks_of("forward", self.work, self.constants.exact)
        forward_kernel[(-(-self.tokens // blocks.queries), self.heads)](
            self.q, self.k, self.v, y, passed, self.table, *self.positions,
            self.work.numbers.read_scale,
            SCORE=score, CHARGE=charge, ROUND=self.work.numbers.quantise, KEEP=keep,
            BM=blocks.queries, BN=blocks.columns, **self.sizes, **_compiled(blocks),
        )  # fmt: skip
        return y, passed

    def backward(self, dy: Tensor, passed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of q, k and v, of their type, from ``forward``'s bits."""
        constants, config = self.constants, self.work.numbers.config
        dy = dy.contiguous()
        # Without a copy of dy, and without a wait for the GPU.
        largest = torch.linalg.vector_norm(dy, torch.inf, dtype=torch.float32)
        q, k, v = self.units
        dq = torch.empty_like(q)
        dk, dv = (torch.empty_like(x) if self.all_stored else torch.zeros_like(x) for x in (k, v))
        score, _, score_slope, charge_slope = constants.patterns
        sizes = self.sizes | {
            "SLOPES": constants.slope_order,
            "SCORE": score,
            "SCORE_SLOPE": score_slope,
            "CHARGE_SLOPE": charge_slope,
            "SPLIT": self.split,
            "CLIPPED": self.work.numbers.quantise,
        }
        given = (self.q, self.k, self.v, dy, largest, passed)
        both = constants.score_scale * constants.charge_scale
        blocks = blocks_of("query", self.work, constants.exact)
        query_kernel[(-(-self.tokens // blocks.queries), self.heads)](
            q, *given, dq, self.table, *self.positions, both * config.query_max,
            BM=blocks.queries, BN=blocks.columns, **sizes, **_compiled(blocks),
        )  # fmt: skip
        blocks = blocks_of("stored", self.work, constants.exact)
        part = self.work.part
        tiles = -(-self.stop // part.columns) - part.begin // part.columns
        if tiles > 0:
            chunks = -(-part.columns // blocks.columns)
            stored_kernel[(tiles * chunks, len(dk))](
                k, v, *given, dk, dv, self.table, *self.positions,
                2 * config.key_max * both,
                2 * config.value_max * constants.charge_scale,
                REDUCED=constants.reduced,
                BM=blocks.queries, BN=blocks.columns, **sizes, **_compiled(blocks),
            )  # fmt: skip
        return dq, dk, dv


def _compiled(blocks: Blocks) -> dict[str, int]:
    return {"num_warps": blocks.warps, "num_stages": blocks.stages}
