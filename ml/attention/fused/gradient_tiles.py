"""What both backward kernels share: the gradients of the charges and of the pulses of a tile."""

from __future__ import annotations

import triton
import triton.language as tl

from gaincell.ml.attention.fused.tiles import columns_of, product, weight


@triton.jit
def not_clipped(passed, dy, place, dims, there, BD: tl.constexpr):
    """The gradient dy (queries, D) of a sub-tile's charges; ``place`` (queries,)."""
    WORDS: tl.constexpr = (BD + 31) // 32
    SIZE: tl.constexpr = BD // WORDS
    at = passed + place[:, None] * WORDS + (dims // SIZE)[None, :]
    words = tl.load(at, mask=there[:, None], other=0)
    return tl.where(((words >> (dims % SIZE)[None, :]) & 1) != 0, dy, 0.0)


@triton.jit
def gradient_scale(largest):
    """1 over the largest gradient of y, which then stays in float16's range; 1 if all are 0."""
    most = tl.load(largest)
    return tl.where(most > 0, 1.0 / most, 1.0)


@triton.jit
def gradient_of_pulses(
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
    """Gradient (queries, columns) of the pulses, from dcharge (queries, D) and values (rows, D)."""
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
