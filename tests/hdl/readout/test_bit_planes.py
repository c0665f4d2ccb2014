from collections.abc import Callable, Sequence

import numpy as np
import pytest
from amaranth import Const, Module, Signal
from amaranth.hdl import Value
from amaranth.sim import Simulator

from gaincell.hdl.readout.bit_planes import (
    add,
    extended,
    greater_than,
    numbers_of,
    planes_of,
    sum_columns,
)

Numbers = Sequence[int]


def evaluate(
    planes: Sequence[Numbers], build: Callable[[Module, list[Value]], Sequence[Value]]
) -> list[int]:
    """Numbers that ``build`` makes from input ``planes`` of one bit per position."""
    m = Module()
    inputs: list[Value] = [Signal(len(plane)) for plane in planes]
    outputs = build(m, inputs)
    packed = [sum(int(bit) << at for at, bit in enumerate(plane)) for plane in planes]
    found: list[int] = []

    async def testbench(ctx):
        for signal, bits in zip(inputs, packed, strict=True):
            ctx.set(signal, bits)
        seen = [ctx.get(plane) for plane in outputs]
        positions = len(planes[0])
        found.extend(
            sum((plane >> at & 1) << bit for bit, plane in enumerate(seen))
            for at in range(positions)
        )

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
    return found


def bits_of(numbers: np.ndarray, width: int) -> list[Numbers]:
    return [(numbers >> bit & 1).tolist() for bit in range(width)]


def added(numbers: np.ndarray, width: int) -> list[int]:
    """Sums that ``add`` makes of all fields of ``numbers``: a, then b, then a carry."""

    def build(m, planes):
        return add(m, "sum", planes[:width], planes[width : 2 * width], planes[2 * width])

    return evaluate(bits_of(numbers, 2 * width + 1), build)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_adds_all_pairs_and_carries_modulo_width(width):
    numbers = np.arange(1 << (2 * width + 1))
    mask = (1 << width) - 1
    a, b, carry = numbers & mask, numbers >> width & mask, numbers >> 2 * width
    assert added(numbers, width) == ((a + b + carry) & mask).tolist()


def test_adds_wide_numbers(rng):
    width = 21
    a, b, carry = (rng.integers(0, top, 99) for top in (1 << width, 1 << width, 2))
    numbers = a | b << width | carry << 2 * width
    assert added(numbers, width) == ((a + b + carry) & ((1 << width) - 1)).tolist()


def column_sums(bits: np.ndarray, heights: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sums by ``sum_columns`` and by integers for ``bits`` (all heights together, positions)."""
    weights = np.repeat(np.arange(len(heights)), heights)

    def build(m, planes):
        columns = [
            [plane for plane, weight in zip(planes, weights, strict=True) if weight == column]
            for column in range(len(heights))
        ]
        return sum_columns(m, "sum", columns)

    return evaluate(bits.tolist(), build), ((1 << weights) @ bits).tolist()


@pytest.mark.parametrize(
    "heights", [(1,), (2,), (3,), (4,), (5,), (8,), (1, 1), (3, 2), (1, 4), (2, 3, 1), (1, 1, 5)]
)
def test_sums_every_pattern_of_columns(heights):
    total = sum(heights)
    bits = np.arange(1 << total) >> np.arange(total)[:, None] & 1
    found, expected = column_sums(bits, heights)
    assert found == expected


@pytest.mark.parametrize("heights", [(16,), (17,), (33,), (9, 9, 9, 9), (17, 1, 17)])
def test_sums_tall_columns(heights, rng):
    bits = rng.integers(0, 2, (sum(heights), 60))
    bits[:, 0], bits[:, 1] = 0, 1
    found, expected = column_sums(bits, heights)
    assert found == expected


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_compares_all_numbers_with_all_limits(width):
    numbers = np.arange(1 << width)
    for limit in numbers:
        found = evaluate(
            bits_of(numbers, width),
            lambda m, planes, limit=limit: [greater_than(m, "gt", planes, Const(limit, width))],
        )
        assert found == (numbers > limit).astype(int).tolist()


@pytest.mark.parametrize(("count", "width"), [(1, 1), (1, 5), (7, 1), (5, 3), (64, 8)])
def test_planes_and_numbers_are_inverse(count, width, rng):
    numbers = rng.integers(0, 1 << width, count)

    def build(m, planes):
        codes = numbers_of(planes)
        assert len(codes) == count
        return planes_of(codes, width)

    assert evaluate(bits_of(numbers, width), build) == numbers.tolist()


@pytest.mark.parametrize("width", [1, 3, 5])
def test_extension_widens_with_zeros_and_cuts_high_bits(width):
    numbers = np.arange(8)
    found = evaluate(bits_of(numbers, 3), lambda m, planes: extended(planes, width))
    assert found == (numbers & ((1 << width) - 1)).tolist()
