"""The keys' and values' gradients: a program per block of columns goes through their queries."""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.gradient_tiles import (
    gradient_of_pulses,
    gradient_scale,
    not_clipped,
)
from gaincell.ml.attention.fused.prepare import store_gradient
from gaincell.ml.attention.fused.tiles import (
    decay_of,
    product,
    pulses_of,
    real_product,
    rows_of,
    weight,
)


@triton.jit
def _of_units(
    basis,
    stride,
    of_1,
    of_2,
    of_3,
    rows,
    dims,
    inside,
    D: tl.constexpr,
    BD: tl.constexpr,
    SLOPES: tl.constexpr,
    REDUCED: tl.constexpr,
):
    """The gradient (columns, D) of u, from those of B_1.. at u."""
    found = of_1
    if SLOPES >= 2:
        u = rows_of(basis, rows, dims, inside, D, BD, True).to(tl.float32)
        found += of_2 * u * (0.25 if REDUCED else 2.0)
        if SLOPES >= 3:
            if REDUCED:
                found += of_3 * (3.0 * u * u - 1.0) * (1.0 / 24.0)
            else:
                found += of_3 * 3.0 * u * u
    return found


@triton.jit
def stored_kernel(
    k,
    v,
    q_codes,
    keys,
    values,
    dy,
    largest,
    passed,
    dk,
    dv,
    table,
    tokens,
    stored,
    stride,
    first_query,
    first_key,
    begin,
    stop,
    window,
    laps,
    rate,
    key_factor,
    value_factor,
    GROUP: tl.constexpr,
    D: tl.constexpr,
    BD: tl.constexpr,
    N: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    ORDER: tl.constexpr,
    SLOPES: tl.constexpr,
    SCORE: tl.constexpr,
    SCORE_SLOPE: tl.constexpr,
    CHARGE_SLOPE: tl.constexpr,
    DECAY: tl.constexpr,
    EXACT: tl.constexpr,
    SPLIT: tl.constexpr,
    REDUCED: tl.constexpr,
    CLIPPED: tl.constexpr,
):
    """dk and dv (kv_heads, stored, D), in the type of the units k and v.

    Tensors as in ``query_kernel``; columns that store no token begin..stop-1 are not touched.
    """
    CHUNKS: tl.constexpr = (N + BN - 1) // BN
    tile = begin // N + tl.program_id(0) // CHUNKS
    kv_head = tl.program_id(1).to(tl.int64)
    keys += kv_head * stored * D
    values += kv_head * stored * D
    column = tl.program_id(0) % CHUNKS * BN + tl.arange(0, BN)
    p = tile * N + column
    inside = (p >= begin) & (p < stop) & (column < N)
    rows = p - first_key
    dims = tl.arange(0, BD)
    of_k1 = tl.zeros((BN, BD), tl.float32)
    of_v1 = tl.zeros((BN, BD), tl.float32)
    of_k2, of_k3, of_v2, of_v3 = of_k1, of_k1, of_v1, of_v1
    oldest = tl.maximum(tile * N + tl.program_id(0) % CHUNKS * BN, begin)
    newest = tl.minimum(tile * N + N, stop) - 1
    from_row = tl.maximum(oldest - first_query, 0)
    to_row = tl.minimum(newest - first_query + window, tokens)
    scale = gradient_scale(largest)
    for member in range(0, GROUP):
        head = kv_head * GROUP + member
        for block in range(from_row // BM, (to_row + BM - 1) // BM):
            row = block * BM + tl.arange(0, BM)
            there = row < tokens
            t = first_query + row
            q = rows_of(q_codes + head * tokens * D, row, dims, there, D, BD, True)
            of_query = tl.sum(q.to(tl.float32), 1)
            of_y = rows_of(dy + head * tokens * D, row, dims, there, D, BD, True).to(tl.float32)
            place = (head * tokens + row) * laps + tile % laps
            dcharge = not_clipped(passed, of_y * scale, place, dims, there, BD)
            g, g2, g3 = decay_of(t, p, first_query + block * BM + BM, rate, DECAY)
            phi = pulses_of(
                q, of_query, keys, stride, rows, dims, inside, table, g, g2, g3,
                D, BD, ORDER, SCORE, EXACT, True,
            )  # fmt: skip
            seen = (p[None, :] <= t[:, None]) & (p[None, :] > t[:, None] - window)
            phi = tl.where(seen & inside[None, :] & there[:, None], phi, 0.0)
            of_charge, of_slope = table + 48, table + 32
            dphi = gradient_of_pulses(
                dcharge, values, stride, rows, dims, inside, of_charge, g, g2, g3,
                D, BD, BM, BN, SLOPES, CHARGE_SLOPE, SPLIT,
            )  # fmt: skip
            dscore = tl.where((phi > 0) & (phi < 1), dphi, 0.0)
            drive = phi * weight(of_charge, g, g2, g3, 1, CHARGE_SLOPE)
            of_v1 = real_product(tl.trans(drive), dcharge, of_v1, EXACT, SPLIT)
            drive = dscore * weight(of_slope, g, g2, g3, 1, SCORE_SLOPE)
            of_k1 = product(tl.trans(drive), q, of_k1, SPLIT)
            if SLOPES >= 2:
                drive = phi * weight(of_charge, g, g2, g3, 2, CHARGE_SLOPE)
                of_v2 = real_product(tl.trans(drive), dcharge, of_v2, EXACT, SPLIT)
                drive = dscore * weight(of_slope, g, g2, g3, 2, SCORE_SLOPE)
                of_k2 = product(tl.trans(drive), q, of_k2, SPLIT)
            if SLOPES >= 3:
                drive = phi * weight(of_charge, g, g2, g3, 3, CHARGE_SLOPE)
                of_v3 = real_product(tl.trans(drive), dcharge, of_v3, EXACT, SPLIT)
                drive = dscore * weight(of_slope, g, g2, g3, 3, SCORE_SLOPE)
                of_k3 = product(tl.trans(drive), q, of_k3, SPLIT)
    of_k = _of_units(
        keys, stride, of_k1, of_k2, of_k3, rows, dims, inside, D, BD, SLOPES, REDUCED
    ) * (key_factor / scale)  # fmt: skip
    of_v = _of_units(
        values, stride, of_v1, of_v2, of_v3, rows, dims, inside, D, BD, SLOPES, REDUCED
    ) * (value_factor / scale)  # fmt: skip
    start_of_head = kv_head * stored * D
    store_gradient(of_k, k + start_of_head, dk + start_of_head, rows, dims, inside, D, BD, CLIPPED)
    store_gradient(of_v, v + start_of_head, dv + start_of_head, rows, dims, inside, D, BD, CLIPPED)
