"""Gradients of one part of the arrays, from which charges the forward pass did not clip.

One kernel goes through the sub-tiles that a block of queries sees, for the queries' gradient. The
other goes through the queries that see a block of columns, for the keys' and values'.
"""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.tiles import (
    columns_of,
    decay_of,
    product,
    pulses_of,
    real_product,
    rows_of,
    weight,
)


@triton.jit
def _not_clipped(passed, dy, place, dims, there, BD: tl.constexpr):
    """The gradient dy (queries, D) of a sub-tile's charges; ``place`` (queries,)."""
    WORDS: tl.constexpr = (BD + 31) // 32
    SIZE: tl.constexpr = BD // WORDS
    at = passed + place[:, None] * WORDS + (dims // SIZE)[None, :]
    bits = tl.load(at, mask=there[:, None], other=0) >> (dims % SIZE)[None, :]
    return tl.where((bits & 1) != 0, dy, 0.0)


@triton.jit
def _of_pulses(
    dcharge,
    values,
    stride,
    rows,
    dims,
    inside,
    table,
    g,
    g2,
    g3,
    D: tl.constexpr,
    BD: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    SLOPES: tl.constexpr,
    CHARGE: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Gradient (queries, columns) of the pulses."""
    none = tl.zeros((BM, BN), tl.float32)
    value = columns_of(values, rows, dims, inside, D, BD, True)
    found = weight(table, g, g2, g3, 1, CHARGE) * product(dcharge, value, none, SPLIT)
    if SLOPES >= 2 and (CHARGE >> 8) & 15:
        value = columns_of(values + stride, rows, dims, inside, D, BD, True)
        found += weight(table, g, g2, g3, 2, CHARGE) * product(dcharge, value, none, SPLIT)
    if SLOPES >= 3:
        value = columns_of(values + 2 * stride, rows, dims, inside, D, BD, True)
        found += weight(table, g, g2, g3, 3, CHARGE) * product(dcharge, value, none, SPLIT)
    if CHARGE & 15:
        found += weight(table, g, g2, g3, 0, CHARGE) * tl.sum(dcharge, 1)[:, None]
    return found


@triton.jit
def query_kernel(
    q_codes,
    keys,
    values,
    dy,
    scale,
    passed,
    dq,
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
    factor,
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
):
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    head = tl.program_id(1).to(tl.int64)
    keys += head // GROUP * stored * D
    values += head // GROUP * stored * D
    row = block * BM + tl.arange(0, BM)
    there = row < tokens
    dims = tl.arange(0, BD)
    t = first_query + row
    q = rows_of(q_codes + head * tokens * D, row, dims, there, D, BD, True)
    of_query = tl.sum(q.to(tl.float32), 1)
    of_y = rows_of(dy + head * tokens * D, row, dims, there, D, BD, True).to(tl.float32)
    of_y *= tl.load(scale)
    low = first_query + block * BM
    high = tl.minimum(low + BM, first_query + tokens) - 1
    oldest = tl.maximum(begin, low - window + 1)
    newest = tl.minimum(high, stop - 1)
    first, last = oldest // N, newest // N
    if newest < oldest:
        last = first - 1
    sums = tl.zeros((BM, BD), tl.float32)
    of_all = tl.zeros((BM,), tl.float32)
    kept = (head * tokens + row) * laps
    for tile in range(first, last + 1):
        dcharge = _not_clipped(passed, of_y, kept + tile % laps, dims, there, BD)
        for chunk in range(0, N, BN):
            column = chunk + tl.arange(0, BN)
            p = tile * N + column
            inside = (p >= begin) & (p < stop) & (column < N) & (p <= high)
            rows = p - first_key
            g, g2, g3 = decay_of(t, p, high, rate, DECAY)
            phi = pulses_of(
                q, of_query, keys, stride, rows, dims, inside, table, g, g2, g3,
                D, BD, ORDER, SCORE, EXACT, True,
            )  # fmt: skip
            dphi = _of_pulses(
                dcharge, values, stride, rows, dims, inside, table + 48, g, g2, g3,
                D, BD, BM, BN, SLOPES, CHARGE_SLOPE, SPLIT,
            )  # fmt: skip
            seen = (p[None, :] <= t[:, None]) & (p[None, :] > t[:, None] - window)
            seen = seen & inside[None, :] & (phi > 0) & (phi < 1)
            dscore = tl.where(seen, dphi, 0.0)
            of_slope = table + 32
            key = rows_of(keys, rows, dims, inside, D, BD, True)
            sums = product(dscore * weight(of_slope, g, g2, g3, 1, SCORE_SLOPE), key, sums, SPLIT)
            if SLOPES >= 2 and (SCORE_SLOPE >> 8) & 15:
                key = rows_of(keys + stride, rows, dims, inside, D, BD, True)
                sums = product(
                    dscore * weight(of_slope, g, g2, g3, 2, SCORE_SLOPE), key, sums, SPLIT
                )
            if SLOPES >= 3:
                key = rows_of(keys + 2 * stride, rows, dims, inside, D, BD, True)
                sums = product(
                    dscore * weight(of_slope, g, g2, g3, 3, SCORE_SLOPE), key, sums, SPLIT
                )
            if SCORE_SLOPE & 15:
                of_all += tl.sum(dscore * weight(of_slope, g, g2, g3, 0, SCORE_SLOPE), 1)
    sums = (sums + of_all[:, None]) * (factor / tl.load(scale))
    at = dq + head * tokens * D + row[:, None] * D + dims[None, :]
    tl.store(at, sums, mask=there[:, None] & (dims[None, :] < D))


@triton.jit
def _store_gradient(
    x,
    stride,
    of_1,
    of_2,
    of_3,
    out,
    factor,
    rows,
    dims,
    inside,
    D: tl.constexpr,
    BD: tl.constexpr,
    SLOPES: tl.constexpr,
    REDUCED: tl.constexpr,
):
    """Store the gradient of units, from those of B_1.. at u."""
    found = of_1
    if SLOPES >= 2:
        u = rows_of(x, rows, dims, inside, D, BD, True).to(tl.float32)
        found += of_2 * u * (0.25 if REDUCED else 2.0)
        if SLOPES >= 3:
            if REDUCED:
                found += of_3 * (3.0 * u * u - 1.0) * (1.0 / 24.0)
            else:
                found += of_3 * 3.0 * u * u
    at = out + rows[:, None] * D + dims[None, :]
    tl.store(at, found * factor, mask=inside[:, None] & (dims[None, :] < D))


@triton.jit
def stored_kernel(
    q_codes,
    keys,
    values,
    dy,
    scale,
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
):
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
            dcharge = _not_clipped(passed, of_y * tl.load(scale), place, dims, there, BD)
            g, g2, g3 = decay_of(t, p, first_query + block * BM + BM, rate, DECAY)
            phi = pulses_of(
                q, of_query, keys, stride, rows, dims, inside, table, g, g2, g3,
                D, BD, ORDER, SCORE, EXACT, True,
            )  # fmt: skip
            seen = (p[None, :] <= t[:, None]) & (p[None, :] > t[:, None] - window)
            phi = tl.where(seen & inside[None, :] & there[:, None], phi, 0.0)
            of_charge, of_slope = table + 48, table + 32
            dphi = _of_pulses(
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
    key_factor /= tl.load(scale)
    value_factor /= tl.load(scale)
    dk += kv_head * stored * D
    dv += kv_head * stored * D
    _store_gradient(
        keys, stride, of_k1, of_k2, of_k3, dk, key_factor, rows, dims, inside,
        D, BD, SLOPES, REDUCED,
    )  # fmt: skip
    _store_gradient(
        values, stride, of_v1, of_v2, of_v3, dv, value_factor, rows, dims, inside,
        D, BD, SLOPES, REDUCED,
    )  # fmt: skip
