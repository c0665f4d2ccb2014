"""Codes of the queries, and the basis of the keys' and values', in one pass over the inputs."""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.tiles import rows_of


@triton.jit
def scaled_codes(x, most, ROUND: tl.constexpr):
    """Codes 0..most of units x, halves up, as floats; without ROUND the units times most.

    NaN stays NaN. The product must be rounded before 0.5 is added: compile without contraction.
    """
    scaled = x.to(tl.float32) * most
    if ROUND:
        scaled = tl.floor(scaled + 0.5)
        scaled = tl.where(scaled < 0, 0.0, tl.where(scaled > most, most, scaled))
    return scaled


@triton.jit
def _store_basis(
    x,
    out,
    size,
    most,
    at,
    there,
    ORDER: tl.constexpr,
    REDUCED: tl.constexpr,
    ROUND: tl.constexpr,
):
    """Store B_1..B_ORDER at u = 2 code - most, each ``size`` elements after the last."""
    u = 2.0 * scaled_codes(tl.load(x + at, mask=there, other=0.0), most, ROUND) - most
    tl.store(out + at, u, mask=there)
    if ORDER >= 2:
        square = u * u
        second = (square - 1.0) * 0.125 if REDUCED else square
        tl.store(out + size + at, second, mask=there)
        if ORDER >= 3:
            third = square * u
            if REDUCED:
                third = (square - 1.0) * u / 24.0
            tl.store(out + 2 * size + at, third, mask=there)


@triton.jit
def codes_kernel(
    q,
    k,
    v,
    q_codes,
    keys,
    values,
    tokens,
    stored,
    size,
    heads,
    kv_heads,
    q_most,
    k_most,
    v_most,
    D: tl.constexpr,
    BD: tl.constexpr,
    ROWS: tl.constexpr,
    ORDER: tl.constexpr,
    REDUCED: tl.constexpr,
    ROUND: tl.constexpr,
):
    """q (heads, tokens, D) to q_codes; k, v (kv_heads, stored, D) to keys, values (ORDER, ...).

    A program takes ROWS tokens of one head, of q, k or v. ``size`` is kv_heads * stored * D.
    """
    head = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    dims = tl.arange(0, BD)
    at = row[:, None] * D + dims[None, :]
    if head < heads:
        there = (row < tokens)[:, None] & (dims < D)[None, :]
        start = head * tokens * D
        code = scaled_codes(tl.load(q + start + at, mask=there, other=0.0), q_most, ROUND)
        tl.store(q_codes + start + at, code, mask=there)
    else:
        there = (row < stored)[:, None] & (dims < D)[None, :]
        start = (head - heads) * stored * D
        if head < heads + kv_heads:
            out = keys + start
            _store_basis(k + start, out, size, k_most, at, there, ORDER, REDUCED, ROUND)
        else:
            start -= size
            out = values + start
            _store_basis(v + start, out, size, v_most, at, there, ORDER, REDUCED, ROUND)


@triton.jit
def store_gradient(
    found,
    x,
    out,
    row,
    dims,
    there,
    D: tl.constexpr,
    BD: tl.constexpr,
    CLIPPED: tl.constexpr,
):
    """Store gradients (rows, D) of units x in out's type; CLIPPED: 0 where x is beyond 0..1."""
    if CLIPPED:
        unit = rows_of(x, row, dims, there, D, BD, True).to(tl.float32)
        found = tl.where((unit >= 0) & (unit <= 1), found, 0.0)
    at = out + row[:, None] * D + dims[None, :]
    tl.store(at, found, mask=there[:, None] & (dims[None, :] < D))
