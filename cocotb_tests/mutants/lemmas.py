"""What a proof that two heads are alike starts from: registers that agree, values that never are.

Runs with random inputs only choose what is worth a proof; a difference that they find is one.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, islice, product
from operator import and_

from gaincell.cocotb_tests.mutants.graph import Graph

PATTERNS = 256
ONES = (1 << PATTERNS) - 1
CYCLES = 4000
CELLS = 64
"""Pairs of registers are looked at that have at most so many pairs of values."""


def merged(graph: Graph, pairs: dict[int, int]) -> tuple[Graph, list[int]]:
    """Both heads, with one latch for each of ``pairs``, and the latches that may not stay alike.

    Output 0 is the graph's own. Each other is high when a latch of the second list and the one in
    its place differ in the next cycle. If no output is ever high, the latches agree in every cycle,
    and output 0 is never high in ``graph`` either. In the first cycle in which an output is high,
    all latches of ``graph`` are still as they are here.
    """
    union = graph.copy([graph.outputs[0], *graph.nexts], pairs)
    nexts = union.outputs[1:]
    suspects = [wrong for wrong, good in pairs.items() if nexts[wrong] != nexts[good]]
    outputs = [union.differ(nexts[each], nexts[pairs[each]]) for each in suspects]
    return union.copy([union.outputs[0], *outputs], {}), suspects


def first_high(graph: Graph, frames: Iterable[list[int]]) -> list[int]:
    """Numbers of the outputs that are high in the first cycle in which any is."""
    for _, outputs in graph.run(frames, ONES):
        if any(outputs):
            return [number for number, value in enumerate(outputs) if value]
    return []


def random_frames(graph: Graph, reset: int) -> Iterator[list[int]]:
    """Inputs that change often in some patterns, and seldom in others; so do resets."""
    rng = random.Random(0)
    quarter = PATTERNS // 4
    blocks = [((1 << quarter) - 1) << (quarter * block) for block in range(4)]
    combs = [ONES // 15 << tooth for tooth in range(4)]

    def rarely(parts: list[int], halvings: list[int]) -> int:
        chosen = 0
        for part, times in zip(parts, halvings, strict=True):
            for _ in range(times):
                part &= rng.getrandbits(PATTERNS)
            chosen |= part
        return chosen

    cone = graph.cone()
    needed = [each for each in range(graph.inputs) if 1 + each in cone]
    frame = [0] * graph.inputs
    for cycle in range(CYCLES):
        change = [rarely(blocks, [0, 2, 4, 8]) for _ in range(4)]
        for at in needed:
            mask = rng.choice(change)
            frame[at] = frame[at] & ~mask | rng.getrandbits(PATTERNS) & mask
        given = list(frame)
        given[reset] = rarely(combs, [6, 8, 10, 12]) if cycle else 0
        yield given


def never_seen(
    graph: Graph,
    registers: list[tuple[int, ...]],
    differing: list[tuple[int, int]],
    reset: int,
    started: int,
) -> tuple[list[int], list[int]]:
    """Literals, new in ``graph``, that were never high in a run: each may be worth a proof.

    They are about cycles in which the latch ``started`` is high: what power-up leaves is different.
    The first list: a register has a value. The second: two registers have a pair of values, or one
    has a value while two latches of ``differing`` are equal, or are not.
    """
    sizes = [2 ** len(latches) for latches in registers] + [2] * len(differing)
    alone = [(at, value) for at, size in enumerate(sizes) for value in range(size)]
    pairs = []
    for one, other in combinations(range(len(sizes)), 2):
        if other >= len(registers) or sizes[one] * sizes[other] <= CELLS:
            values = product(range(sizes[one]), range(sizes[other]))
            pairs += [((one, left), (other, right)) for left, right in values]
    for latches, _ in islice(graph.run(random_frames(graph, reset), ONES), 1, None):
        bits = [[latches[each] for each in own] for own in registers]
        bits += [[latches[left] ^ latches[right]] for left, right in differing]
        has = [_values(own, ONES, and_) for own in bits]
        alone = [(at, value) for at, value in alone if not has[at][value]]
        pairs = [
            pair for pair in pairs if not has[pair[0][0]][pair[0][1]] & has[pair[1][0]][pair[1][1]]
        ]
    bits = [[graph.latch(each) for each in own] for own in registers]
    bits += [[graph.differ(*map(graph.latch, each))] for each in differing]
    has = [_values(own, 1, graph.both) for own in bits]
    never = {(at, value) for at, value in alone if at < len(registers)}
    has = [[graph.both(each, graph.latch(started)) for each in own] for own in has]
    return [has[at][value] for at, value in alone], [
        graph.both(*(has[at][value] for at, value in pair))
        for pair in pairs
        if never.isdisjoint(pair)
    ]


def _values(bits: list[int], true: int, both: Callable[[int, int], int]) -> list[int]:
    """For each value of a register, whether it has it."""
    values = [true]
    for bit in bits:
        values = [both(each, bit ^ true) for each in values] + [both(each, bit) for each in values]
    return values
