"""What the kernels share: the decay, the pulses of a tile, and products that keep float32."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def decay_of(t, p, origin, rate, DECAY: tl.constexpr):
    """gamma^age, (queries, columns), and its square and cube; ``origin`` is no earlier than t.

    DECAY: 0, none; 1, a factor of the query times one of the column; 2, so steep that these
    overflow.
    """
    if DECAY == 0:
        g = 1.0
    elif DECAY == 1:
        of_query = tl.exp(rate * (origin - t).to(tl.float32))
        of_column = tl.exp(-rate * tl.maximum(origin - p, 0).to(tl.float32))
        g = of_query[:, None] * of_column[None, :]
    else:
        g = tl.exp(-rate * tl.maximum(t[:, None] - p[None, :], 0).to(tl.float32))
    return g, g * g, g * g * g


@triton.jit
def weight(table, g, g2, g3, j: tl.constexpr, PATTERN: tl.constexpr):
    """c_j of a tile, the sum over i of m_ji * gamma^(i * age)."""
    row: tl.constexpr = (PATTERN >> (4 * j)) & 15
    if row == 0:
        found = 0.0
    elif row == 1:
        found = tl.load(table + 4 * j)
    elif row == 2:
        found = tl.load(table + 4 * j + 1) * g
    elif row == 4:
        found = tl.load(table + 4 * j + 2) * g2
    elif row == 8:
        found = tl.load(table + 4 * j + 3) * g3
    else:
        found = tl.load(table + 4 * j) + tl.load(table + 4 * j + 1) * g
        if row & 4:
            found += tl.load(table + 4 * j + 2) * g2
        if row & 8:
            found += tl.load(table + 4 * j + 3) * g3
    return found


@triton.jit
def product(x, operand, total, SPLIT: tl.constexpr):
    """total + x @ operand. A float16 operand is exact; x, float32, is split into one or two."""
    if operand.dtype == tl.float32:
        total = tl.dot(x, operand, total, input_precision="tf32x3")
    else:
        high = x.to(tl.float16)
        total = tl.dot(high, operand, total)
        if SPLIT:
            low = (x - high.to(tl.float32)).to(tl.float16)
            total = tl.dot(low, operand, total)
    return total


@triton.jit
def real_product(x, y, total, EXACT: tl.constexpr, SPLIT: tl.constexpr):
    """total + x @ y of two float32 tiles; with SPLIT only the product of both low parts is left."""
    if not EXACT:
        total = tl.dot(x, y, total, input_precision="tf32x3")
    else:
        high = y.to(tl.float16)
        total = product(x, high, total, SPLIT)
        if SPLIT:
            low = (y - high.to(tl.float32)).to(tl.float16)
            total = tl.dot(x.to(tl.float16), low, total)
    return total


@triton.jit
def columns_of(base, rows, dims, inside, D: tl.constexpr, BD: tl.constexpr, MASKED: tl.constexpr):
    """(D, columns) of a tensor (rows, D)."""
    place = base + rows[None, :] * D + dims[:, None]
    if MASKED:
        return tl.load(place, mask=inside[None, :] & (dims[:, None] < D), other=0.0)
    elif BD > D:
        return tl.load(place, mask=dims[:, None] < D, other=0.0)
    else:
        return tl.load(place)


@triton.jit
def rows_of(base, rows, dims, inside, D: tl.constexpr, BD: tl.constexpr, MASKED: tl.constexpr):
    """(rows, D) of a tensor (rows, D)."""
    place = base + rows[:, None] * D + dims[None, :]
    if MASKED:
        return tl.load(place, mask=inside[:, None] & (dims[None, :] < D), other=0.0)
    elif BD > D:
        return tl.load(place, mask=dims[None, :] < D, other=0.0)
    else:
        return tl.load(place)


@triton.jit
def pulses_of(
    q,
    of_query,
    keys,
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
    ORDER: tl.constexpr,
    PATTERN: tl.constexpr,
    EXACT: tl.constexpr,
    MASKED: tl.constexpr,
):
    """phi (queries, columns), clipped to 0..1, before any column is hidden."""
    precision: tl.constexpr = "ieee" if EXACT else "tf32x3"
    score = tl.dot(
        q, columns_of(keys, rows, dims, inside, D, BD, MASKED), input_precision=precision
    )
    score *= weight(table, g, g2, g3, 1, PATTERN)
    if PATTERN & 15:
        score += weight(table, g, g2, g3, 0, PATTERN) * of_query[:, None]
    if ORDER >= 2 and (PATTERN >> 8) & 15:
        second = columns_of(keys + stride, rows, dims, inside, D, BD, MASKED)
        product2 = tl.dot(q, second, input_precision=precision)
        score += weight(table, g, g2, g3, 2, PATTERN) * product2
    if ORDER >= 3:
        third = columns_of(keys + 2 * stride, rows, dims, inside, D, BD, MASKED)
        product3 = tl.dot(q, third, input_precision=precision)
        score += weight(table, g, g2, g3, 3, PATTERN) * product3
    return tl.minimum(tl.maximum(score, 0.0), 1.0)
