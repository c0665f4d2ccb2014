"""The queries' gradient: a program per block of queries goes through the sub-tiles it sees."""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.gradient_tiles import (
    gradient_of_pulses,
    gradient_scale,
    not_clipped,
)
from gaincell.ml.attention.fused.prepare import store_gradient
from gaincell.ml.attention.fused.tiles import decay_of, product, pulses_of, rows_of, weight


@triton.jit
def query_kernel(
    x,
    q_codes,
    keys,
    values,
    dy,
    largest,
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
    CLIPPED: tl.constexpr,
):
    """dq (heads, tokens, D), in x's type, from dy and the queries' units x, both of that shape.

    q_codes (heads, tokens, D); keys, values (ORDER, kv_heads, stored, D); passed (heads, tokens,
    laps, words); largest (), of |dy|.
    """
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
    scale = gradient_scale(largest)
    of_y = rows_of(dy + head * tokens * D, row, dims, there, D, BD, True).to(tl.float32) * scale
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
        dcharge = not_clipped(passed, of_y, kept + tile % laps, dims, there, BD)
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
            dphi = gradient_of_pulses(
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
    sums = (sums + of_all[:, None]) * (factor / scale)
    x += head * tokens * D
    dq += head * tokens * D
    store_gradient(sums, x, dq, row, dims, there, D, BD, CLIPPED)
