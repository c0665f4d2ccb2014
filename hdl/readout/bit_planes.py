"""Arithmetic on bit planes: plane b holds bit b of D numbers, one per bit position.

One expression then serves all D dimensions, and every node is a named signal: an expression used
twice would be written out twice in the Verilog.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import count

from amaranth import Cat, Const, Module, Signal
from amaranth.hdl import Value, ValueCastable

Planes = list[Value]


def planes_of(codes: Sequence[ValueCastable], width: int) -> Planes:
    """Bit planes, lowest first, of D numbers of ``width`` bits."""
    numbers = [Value.cast(code) for code in codes]
    return [Cat(number[bit] for number in numbers) for bit in range(width)]


def numbers_of(planes: Sequence[Value]) -> list[Value]:
    """Inverse of ``planes_of``: D numbers, lowest bit first."""
    return [Cat(plane[index] for plane in planes) for index in range(len(planes[0]))]


def greater_than(m: Module, name: str, planes: Sequence[Value], limit: Value) -> Signal:
    """Plane that tells which numbers exceed ``limit``, a number common to all."""
    above: Value = Const(0, len(planes[0]))
    for bit, plane in enumerate(planes):
        node = Signal(len(plane), name=f"{name}_{bit}")
        at_limit = limit[bit].replicate(len(plane))
        m.d.comb += node.eq((plane & ~at_limit) | (above & (plane | ~at_limit)))
        above = node
    return above


def full_adder(m: Module, name: str, a: Value, b: Value, c: Value) -> tuple[Signal, Signal]:
    """Sum and carry planes of three bits per position."""
    half, total, carry = (
        Signal(len(a), name=f"{name}_{part}") for part in ("half", "sum", "carry")
    )
    m.d.comb += [half.eq(a ^ b), total.eq(half ^ c), carry.eq((a & b) | (half & c))]
    return total, carry


def half_adder(m: Module, name: str, a: Value, b: Value) -> tuple[Signal, Signal]:
    """Sum and carry planes of two bits per position."""
    total, carry = (Signal(len(a), name=f"{name}_{part}") for part in ("sum", "carry"))
    m.d.comb += [total.eq(a ^ b), carry.eq(a & b)]
    return total, carry


def add(m: Module, name: str, a: Planes, b: Planes, carry: Value) -> Planes:
    """Planes of a + b + carry, all of one width, carry out dropped."""
    total: Planes = []
    for bit, (left, right) in enumerate(zip(a, b, strict=True)):
        digit, carry = full_adder(m, f"{name}_{bit}", left, right, carry)
        total.append(digit)
    return total


def sum_columns(m: Module, name: str, columns: Sequence[Sequence[Value]]) -> Planes:
    """Planes of the sum of all bits, those in ``columns[b]`` counting 2**b each.

    A tree of full adders: the bits that are ready first are added first, so that depth stays
    logarithmic in their number. Of bits that are ready at once, those listed first are taken first.
    """
    order = count()
    waiting = [[(0, next(order), bit) for bit in column] for column in columns]
    total: Planes = []
    weight = 0
    while weight < len(waiting):
        column = waiting[weight]
        if weight + 1 == len(waiting) and len(column) > 1:
            waiting.append([])
        heapify(column)
        while len(column) > 1:
            operands = [heappop(column) for _ in range(min(3, len(column)))]
            adder = full_adder if len(operands) == 3 else half_adder
            node = f"{name}_{weight}_{len(column)}"
            digit, carry = adder(m, node, *(bit for _, _, bit in operands))
            ready = max(depth for depth, _, _ in operands) + 1
            heappush(column, (ready, next(order), digit))
            waiting[weight + 1].append((ready, next(order), carry))
        total.append(column[0][2])
        weight += 1
    return total


def extended(planes: Planes, width: int) -> Planes:
    """``planes`` of unsigned numbers widened to ``width`` planes, or cut to it."""
    zero = Const(0, len(planes[0]))
    return (list(planes) + [zero] * width)[:width]
