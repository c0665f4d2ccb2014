"""One new token of every row, against the codes that the arrays hold: decoding in two launches.

The sub-tiles of a head are split among programs. Their codes are integers, so that float32 adds
them exactly in any order. Nothing waits for the GPU: a CUDA graph can hold a step.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from gaincell.ml.attention.fused.forward import codes_of_steps
from gaincell.ml.attention.fused.prepare import scaled_codes
from gaincell.ml.attention.numbers import Numbers

COLUMNS = 64
"""Columns that a program loads at once: a whole sub-tile, or a part of a large one."""


@triton.jit
def store_kernel(
    k,
    v,
    k_codes,
    v_codes,
    held,
    length,
    y,
    kv_heads,
    window,
    sink,
    slots,
    k_most,
    v_most,
    GROUP: tl.constexpr,
    D: tl.constexpr,
    BD: tl.constexpr,
    HEADS: tl.constexpr,
):
    """k, v (B, kv_heads, D) into k_codes, v_codes (B, kv_heads, slots, D) uint8; y becomes 0.

    ``held`` (B, slots) gets the token's position, which ``length`` (B,) then counts. A program
    stores all heads of one row, HEADS at once.
    """
    row = tl.program_id(0).to(tl.int64)
    position = tl.load(length + row)
    slot = position % window + tl.where(position < sink, window, 0)
    dims = tl.arange(0, BD)
    for begin in range(0, kv_heads, HEADS):
        head = begin + tl.arange(0, HEADS)
        there = (head < kv_heads)[:, None] & (dims < D)[None, :]
        head += row * kv_heads
        own = head[:, None] * D + dims[None, :]
        at = (head * slots + slot)[:, None] * D + dims[None, :]
        code = scaled_codes(tl.load(k + own, mask=there, other=0.0), k_most, True)
        tl.store(k_codes + at, code.to(tl.uint8), mask=there)
        code = scaled_codes(tl.load(v + own, mask=there, other=0.0), v_most, True)
        tl.store(v_codes + at, code.to(tl.uint8), mask=there)
        for member in range(0, GROUP):
            of_query = (head * GROUP + member)[:, None] * D + dims[None, :]
            tl.store(y + of_query, tl.zeros((HEADS, BD), tl.float32), mask=there)
    tl.store(held + row * slots + slot, position)
    tl.debug_barrier()  # All warps have read the position.
    tl.store(length + row, position + 1)


@triton.jit
def _charges(codes, slot, there, remaining, volts, center, dims, a0, a1, a2, a3, D: tl.constexpr):
    """Charge (columns, D) of a full pulse on the cells of some slots; ``remaining`` (columns,)."""
    at = codes + slot[:, None] * D + dims[None, :]
    code = tl.load(at, mask=there[:, None] & (dims[None, :] < D), other=0).to(tl.float32)
    x = (code * volts - center) * remaining[:, None]
    return ((a3 * x + a2) * x + a1) * x + a0


@triton.jit
def answer_kernel(
    q,
    k_codes,
    v_codes,
    held,
    length,
    y,
    kv_heads,
    slots,
    window,
    tiles,
    q_most,
    k_volts,
    v_volts,
    center,
    a0,
    a1,
    a2,
    a3,
    rate,
    of_score,
    of_charge,
    limit,
    GROUP: tl.constexpr,
    D: tl.constexpr,
    BD: tl.constexpr,
    N: tl.constexpr,
    BN: tl.constexpr,
    TILES: tl.constexpr,
):
    """Add the codes of TILES sub-tiles to y (B, kv_heads * GROUP, D), which q has the shape of.

    k_codes, v_codes (B, kv_heads, slots, D) uint8; held (B, slots); length (B,), the newest
    token with it. A program takes one head of the keys.
    """
    head = tl.program_id(1).to(tl.int64)
    row = head // kv_heads
    k_codes += head * slots * D
    v_codes += head * slots * D
    dims = tl.arange(0, BD)
    position = tl.load(length + row) - 1
    first = tl.program_id(0) * TILES
    for tile in range(first, tl.minimum(first + TILES, tiles)):
        # The sink's sub-tile is the last one. It has fewer columns.
        end = tl.minimum(tile * N + N, tl.where(tile * N < window, window, slots))
        for member in range(0, GROUP):
            of_query = (head * GROUP + member) * D + dims
            x = scaled_codes(tl.load(q + of_query, mask=dims < D, other=0.0), q_most, True)
            charge = tl.zeros((BD,), tl.float32)
            for chunk in range(0, N, BN):
                slot = tile * N + chunk + tl.arange(0, BN)
                there = slot < end
                token = tl.load(held + row * slots + slot, mask=there, other=-1)
                there = there & (token >= 0)
                remaining = tl.exp(-rate * tl.where(there, position - token, 0).to(tl.float32))
                cells = _charges(
                    k_codes, slot, there, remaining, k_volts, center, dims, a0, a1, a2, a3, D
                )
                score = tl.sum(cells * x[None, :], 1) * of_score
                phi = tl.where(there, tl.minimum(tl.maximum(score, 0.0), 1.0), 0.0)
                cells = _charges(
                    v_codes, slot, there, remaining, v_volts, center, dims, a0, a1, a2, a3, D
                )
                charge += tl.sum(cells * phi[:, None], 0)
            code = codes_of_steps(charge * of_charge, limit, True)
            tl.atomic_add(y + of_query, code, mask=dims < D, sem="relaxed")


def split_of(columns: int) -> tuple[int, int]:
    """Sub-tiles of a program, and its warps."""
    return max(1, COLUMNS // columns), 4


def step(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    k_codes: Tensor,
    v_codes: Tensor,
    held: Tensor,
    length: Tensor,
    numbers: Numbers,
) -> Tensor:
    """y (B, H, 1, D) float32 of one new token of every row, which is then stored.

    q (B, H, 1, D), k and v (B, H_kv, 1, D): units. k_codes and v_codes (B, H_kv, slots, D) uint8,
    held (B, slots) and length (B,) int64 change in place.
    """
    config = numbers.config
    batch, kv_heads, slots, dims = k_codes.shape
    heads, width = q.shape[1], triton.next_power_of_2(dims)
    sizes = {"GROUP": heads // kv_heads, "D": dims, "BD": width}
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    y = torch.empty(batch, heads, 1, dims, device=q.device)
    store_kernel[(batch,)](
        k, v, k_codes, v_codes, held, length, y, kv_heads, config.window, config.sink, slots,
        config.key_max, config.value_max,
        HEADS=min(16, triton.next_power_of_2(kv_heads)), **sizes, num_warps=4,
        enable_fp_fusion=False,
    )  # fmt: skip
    a = [*config.cell_coefficients, 0.0, 0.0, 0.0][:4]
    at_once, warps = split_of(config.columns)
    answer_kernel[(-(-config.tiles // at_once), batch * kv_heads)](
        q, k_codes, v_codes, held, length, y, kv_heads, slots, config.window, config.tiles,
        config.query_max, config.full_scale_v / config.key_max,
        config.full_scale_v / config.value_max, config.center_v, *a,
        numbers.terms[0].rate, 1 / (config.s_sat * config.query_max),
        numbers.read_scale / config.a_sat, numbers.read_scale,
        N=config.columns,
        BN=min(COLUMNS, triton.next_power_of_2(config.columns)), TILES=at_once,
        **sizes, num_warps=warps,
    )  # fmt: skip
    return y
