"""y of one part of the arrays: a program per block of queries and head, sub-tile after sub-tile.

A block goes through the sub-tiles that it sees. Those of the sequence that are one sub-tile of the
ring add up before they are clipped and rounded. Only the first and last ones hide columns.
"""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.tiles import (
    decay_of,
    product,
    pulses_of,
    rows_of,
    weight,
)


@triton.jit
def _charge(
    total,
    q,
    of_query,
    keys,
    values,
    stride,
    tile,
    t,
    origin,
    begin,
    stop,
    first_key,
    window,
    rate,
    table,
    dims,
    D: tl.constexpr,
    BD: tl.constexpr,
    N: tl.constexpr,
    BN: tl.constexpr,
    ORDER: tl.constexpr,
    SCORE: tl.constexpr,
    CHARGE: tl.constexpr,
    DECAY: tl.constexpr,
    EXACT: tl.constexpr,
    MASKED: tl.constexpr,
):
    """``total`` and the charge (queries, D) of a sub-tile of the sequence, in 2^-8 steps."""
    for chunk in range(0, N, BN):
        column = chunk + tl.arange(0, BN)
        p = tile * N + column
        inside = (p >= begin) & (p < stop)
        if N % BN:
            inside = inside & (column < N)
        rows = p - first_key
        g, g2, g3 = decay_of(t, p, origin, rate, DECAY)
        phi = pulses_of(
            q, of_query, keys, stride, rows, dims, inside, table, g, g2, g3,
            D, BD, ORDER, SCORE, EXACT, MASKED,
        )  # fmt: skip
        if MASKED:
            seen = (p[None, :] <= t[:, None]) & (p[None, :] > t[:, None] - window)
            phi = tl.where(seen & inside[None, :], phi, 0.0)
        phi *= 256.0
        of_charge = table + 16
        value = rows_of(values, rows, dims, inside, D, BD, MASKED)
        total = product(phi * weight(of_charge, g, g2, g3, 1, CHARGE), value, total, True)
        if ORDER >= 2 and (CHARGE >> 8) & 15:
            value = rows_of(values + stride, rows, dims, inside, D, BD, MASKED)
            total = product(phi * weight(of_charge, g, g2, g3, 2, CHARGE), value, total, True)
        if ORDER >= 3:
            value = rows_of(values + 2 * stride, rows, dims, inside, D, BD, MASKED)
            total = product(phi * weight(of_charge, g, g2, g3, 3, CHARGE), value, total, True)
        if CHARGE & 15:
            total += tl.sum(phi * weight(of_charge, g, g2, g3, 0, CHARGE), 1)[:, None]
    return total


@triton.jit
def codes_of_steps(steps, limit, ROUND: tl.constexpr):
    """Read-out codes of charges in steps: clipped, halves away from 0."""
    if ROUND:
        halves = tl.floor(2.0 * tl.minimum(tl.abs(steps), limit))
        code = tl.floor(0.5 * halves + 0.5)
        return tl.where(steps < 0, -code, code)
    else:
        return tl.minimum(tl.maximum(steps, -limit), limit)


@triton.jit
def _keep_passed(passed, steps, limit, place, there, BM: tl.constexpr, BD: tl.constexpr):
    """Store which charges of a sub-tile are not clipped, a bit each; ``place`` (queries,)."""
    WORDS: tl.constexpr = (BD + 31) // 32
    SIZE: tl.constexpr = BD // WORDS
    bits = tl.reshape((tl.abs(steps) < limit).to(tl.int32), (BM, WORDS, SIZE))
    words = tl.sum(bits << tl.arange(0, SIZE)[None, None, :], 2)
    at = place[:, None] * WORDS + tl.arange(0, WORDS)[None, :]
    tl.store(passed + at, words, mask=there[:, None])


@triton.jit
def forward_kernel(
    q_codes,
    keys,
    values,
    y,
    passed,
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
    limit,
    GROUP: tl.constexpr,
    D: tl.constexpr,
    BD: tl.constexpr,
    N: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    ORDER: tl.constexpr,
    SCORE: tl.constexpr,
    CHARGE: tl.constexpr,
    DECAY: tl.constexpr,
    EXACT: tl.constexpr,
    ROUND: tl.constexpr,
    KEEP: tl.constexpr,
):
    """y (heads, tokens, D), in y's type, and which charges passed, (heads, tokens, laps, words).

    q_codes (heads, tokens, D); keys, values (ORDER, kv_heads, stored, D), ``stride`` elements each
    order.
    """
    # The last blocks see most and go first.
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
    low = first_query + block * BM
    high = tl.minimum(low + BM, first_query + tokens) - 1
    oldest = tl.maximum(begin, low - window + 1)
    newest = tl.minimum(high, stop - 1)
    first, last = oldest // N, newest // N
    if newest < oldest:
        last = first - 1
    start = tl.maximum(first, last - laps + 1)
    # Sub-tiles clear..clouded-1: all queries see all columns, and no other sub-tile adds up.
    clear = tl.maximum(start, tl.maximum((begin + N - 1) // N, (high - window) // N + 1))
    clear = tl.where(high < window, tl.maximum(start, (begin + N - 1) // N), clear)
    clear = tl.minimum(clear, last + 1)
    clouded = tl.minimum(tl.minimum((low + 1) // N, stop // N), first + laps)
    clouded = tl.maximum(clear, tl.minimum(clouded, last + 1))
    if N % BN:
        clouded = clear
    sums = tl.zeros((BM, BD), tl.float32)
    kept = (head * tokens + row) * laps
    for tile in range(clear, clouded):
        steps = _charge(
            tl.zeros((BM, BD), tl.float32), q, of_query, keys, values, stride, tile, t, high,
            begin, stop, first_key, window, rate, table, dims,
            D, BD, N, BN, ORDER, SCORE, CHARGE, DECAY, EXACT, False,
        ) * 0.00390625  # fmt: skip
        sums += codes_of_steps(steps, limit, ROUND)
        if KEEP:
            _keep_passed(passed, steps, limit, kept + tile % laps, there, BM, BD)
    before = clear - start
    for index in range(0, before + last + 1 - clouded):
        tile = tl.where(index < before, start + index, clouded + index - before)
        steps = tl.zeros((BM, BD), tl.float32)
        for lap in range(0, (tile - first) // laps + 1):
            steps = _charge(
                steps, q, of_query, keys, values, stride, tile - lap * laps, t, high,
                begin, stop, first_key, window, rate, table, dims,
                D, BD, N, BN, ORDER, SCORE, CHARGE, DECAY, EXACT, True,
            )  # fmt: skip
        steps *= 0.00390625
        sums += codes_of_steps(steps, limit, ROUND)
        if KEEP:
            _keep_passed(passed, steps, limit, kept + tile % laps, there, BM, BD)
    at = y + head * tokens * D + row[:, None] * D + dims[None, :]
    tl.store(at, sums, mask=there[:, None] & (dims[None, :] < D))
