"""Whether two heads side by side ever differ: registers that agree, lemmas, and ABC's invariants.

Each register of one head is the other's as long as nothing shows that they differ, and ABC proves
that they never do. That leaves little more than one head and what was changed. ABC searches for an
invariant of it, first alone, then with lemmas: values that registers never have, and pairs of them,
which ABC proved before by induction.
"""

import re
from functools import reduce
from pathlib import Path

from gaincell.cocotb_tests.mutants.graph import Graph, read_graph
from gaincell.cocotb_tests.mutants.lemmas import first_high, merged, never_seen, random_frames
from gaincell.system.processes import reason, run

EQUIVALENT, DIFFERENT, UNDECIDED = "equivalent", "different", "undecided"
REGISTER_BITS = 8
"""Lemmas are about registers of at most so many bits."""
INDUCTION = "read_aiger lemmas.aig; strash; scorr; scorr -F 13; write_aiger proved.aig"
"""Over 13 cycles: more than from the accept of a sequence's first query to its launch."""
INVARIANT = (
    "read_aiger claim.aig; strash; scorr; dc2; scorr; pdr -s -f -T {seconds}; write_cex -a cex.txt"
)
EASY_S = 5
"""Time of the first search."""


def prove(miter: Path, abc: str, seconds: int) -> str:
    """Whether the output of an AIGER file is ever high, in ``seconds`` for the last search.

    Registers are paired by their names, ``good_...`` and ``wrong_...``. The latch ``started`` is
    low at power-up only.
    """
    both, inputs, latches = read_graph(miter)
    pairs, registers = _pairs(latches), _registers(latches)
    good = [own for own in registers.values() if pairs.keys().isdisjoint(own)]
    differing: list[tuple[int, int]] = []
    example: list[list[int]] = []
    easy = True
    while True:
        graph, suspects = merged(both, pairs)
        high = first_high(graph, example or random_frames(graph, inputs["reset"]))
        if 0 in high:
            return DIFFERENT
        if high:
            # One bit of a register tells of its others, which may differ after long runs only.
            found = [suspects[at - 1] for at in high]
            lost = {each for latch in found for each in registers.get(latch, [latch])}
            differing += [(each, pairs.pop(each)) for each in sorted(lost & pairs.keys())]
            example = []
            continue
        if example:
            raise RuntimeError("nothing differs in ABC's counterexample")
        claims = [reduce(graph.either, graph.outputs)]
        if not easy:
            cone = graph.cone()
            needed = {tuple(own) for own in good if any(graph.latch(at) // 2 in cone for at in own)}
            cells = never_seen(
                graph, sorted(needed), differing, inputs["reset"], latches["started"]
            )
            claims = _with_lemmas(graph, claims[0], *cells, miter.parent, abc)
        for claim, limit in zip(claims, [EASY_S, seconds], strict=False):
            graph.outputs = [claim]
            graph.write(miter.with_name("claim.aig"))
            told = told_by([abc, "-q", INVARIANT.format(seconds=limit)], miter.parent)
            if "was asserted in frame" in told:
                example = _example(miter.with_name("cex.txt"), both.inputs)
                break
            if "Property proved" in told or "The network is combinational" in told:
                return EQUIVALENT
        if not example and not easy:
            bound = re.search(r"in frame (\d+)", told)
            return f"{UNDECIDED}, alike for {bound[1] if bound else 0} cycles"
        easy = easy and bool(example)


def _pairs(latches: dict[str, int]) -> dict[int, int]:
    """The latch of the good head for each one of the wrong head."""
    pairs = {}
    for name, number in latches.items():
        side, _, own = name.partition("_")
        if side == "wrong" and f"good_{own}" in latches:
            pairs[number] = latches[f"good_{own}"]
    return pairs


def _registers(latches: dict[str, int]) -> dict[int, list[int]]:
    """All latches of the register that a latch belongs to, if the register is small."""
    names: dict[int, str] = {}
    for name, number in latches.items():
        names.setdefault(number, name.partition("[")[0])
    registers: dict[str, list[int]] = {}
    for number, name in names.items():
        registers.setdefault(name, []).append(number)
    small = [own for own in registers.values() if len(own) <= REGISTER_BITS]
    return {number: own for own in small for number in own}


def _with_lemmas(
    graph: Graph, claim: int, alone: list[int], pairs: list[int], folder: Path, abc: str
) -> list[int]:
    """What is never high if ``claim`` is not, and easier to prove.

    Those literals are lemmas that are never high by induction. So it is enough to look at ``claim``
    where no lemma is high. To claim lemmas once more, with it, helps the last search.
    """
    graph.outputs = [claim, *alone, *pairs]
    graph.write(folder / "lemmas.aig")
    told_by([abc, "-q", INDUCTION], folder)
    claimed, *left = read_graph(folder / "proved.aig")[0].outputs
    if not claimed:
        return [0]
    proved = [each for each, high in zip([*alone, *pairs], left, strict=True) if not high]
    claim = graph.both(claim, reduce(graph.either, proved, 0) ^ 1)
    return [claim, reduce(graph.either, set(alone).intersection(proved), claim)]


def _example(path: Path, inputs: int) -> list[list[int]]:
    """The inputs of each cycle of ABC's counterexample."""
    lines = [line for line in path.read_text().split() if len(line) == inputs]
    return [[int(value == "1") for value in line] for line in lines]


def told_by(command: list[str], folder: Path) -> str:
    """What a program says that works in ``folder``."""
    log = folder / "run.log"
    if status := run(command, folder, log):
        raise RuntimeError(f"{command[0]} failed on a miter: {reason(log, status)}")
    return log.read_text()
