"""The machinery of the mutation campaign: a few mutants, and the head itself."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gaincell.cocotb_tests.conftest import needs_icarus
from gaincell.cocotb_tests.mutants import checks, lemmas, proof
from gaincell.cocotb_tests.mutants.checks import HEAD_ITSELF, MutantHead
from gaincell.cocotb_tests.mutants.equivalence import compare_heads
from gaincell.cocotb_tests.mutants.mutate import (
    Mutant,
    draw_mutants,
    mutants_of,
    with_all,
    with_one,
)
from gaincell.cocotb_tests.mutants.proof import DIFFERENT, EQUIVALENT, UNDECIDED
from gaincell.cocotb_tests.mutants.scenarios import CORE_PARTS, CORES, HEADS
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog

PATTERNS = [
    ("admission", r"assign starts_sequence", "1'h0"),
    ("readout", r"assign done", "1'h0"),
    ("refresh", r"assign may_give_up", "1'h0"),
]
"""Component, line and change of mutants that any bench should notice."""
NUMBERS = range(1, len(PATTERNS) + 1)


def verilog() -> str:
    """The head of the tests."""
    return head_verilog(HEADS["sink"])


def noticed_mutants() -> list[Mutant]:
    """The mutants of ``PATTERNS``, numbered."""
    mutants = mutants_of(verilog())
    chosen = []
    for number, (component, line, new) in zip(NUMBERS, PATTERNS, strict=True):
        own = [each for each in mutants if each.component == component]
        found = [each for each in own if re.search(line, each.line)]
        (only,) = [each for each in found if re.fullmatch(new, each.new)]
        chosen.append(replace(only, number=number))
    return chosen


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MutantHead]:
    """The head "sink" with the mutants of ``PATTERNS``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "draw_mutants", lambda *_: noticed_mutants())
        made = MutantHead("sink", 0, 0, tmp_path_factory.mktemp("mutants"))
        made.compile()
        yield made


@pytest.mark.cosim
@needs_icarus
@pytest.mark.usefixtures("short_runs")
def test_the_head_itself_passes(head: MutantHead, monkeypatch: pytest.MonkeyPatch) -> None:
    assert head.ask_testbench(HEAD_ITSELF) is None
    chosen = {name: head.scenarios[name] for name in ("slow memory", "edges of visits", "reset")}
    monkeypatch.setattr(head, "scenarios", chosen)
    assert head.ask_scenarios(HEAD_ITSELF) is None


@pytest.mark.cosim
@needs_icarus
@pytest.mark.usefixtures("short_runs")
@pytest.mark.parametrize("number", NUMBERS)
def test_each_plain_mutant_is_noticed_by_co_simulation(head: MutantHead, number: int) -> None:
    noticed = head.ask_scenarios(number)
    assert noticed is not None
    assert noticed.check in head.scenarios
    assert noticed.symptom


@pytest.mark.cosim
@needs_icarus
def test_the_testbench_notices_a_mutant_too(head: MutantHead) -> None:
    noticed = head.ask_testbench(1)
    assert noticed is not None
    assert "clear" in noticed.symptom


def test_each_mutant_changes_one_line() -> None:
    lines, mutants = verilog().split("\n"), mutants_of(verilog())
    assert len(mutants) > 1000
    for mutant in mutants[::97]:
        assert lines[mutant.place] == mutant.line
        changed = with_one(verilog(), mutant).split("\n")
        assert [at for at, line in enumerate(changed) if line != lines[at]] == [mutant.place]


def test_mutants_are_drawn_evenly_over_all_components() -> None:
    drawn = draw_mutants(verilog(), 130, seed=3)
    assert [mutant.number for mutant in drawn] == list(range(1, 131))
    modules = re.findall(r"^module gaincell_(?:head_)?(\w+)\(", verilog(), re.MULTILINE)
    counts = Counter(mutant.component for mutant in drawn)
    assert sorted(counts) == sorted(modules)
    assert min(counts.values()) >= 9
    assert draw_mutants(verilog(), 130, seed=4) != drawn


def test_of_a_core_only_its_own_parts_are_changed() -> None:
    drawn = draw_mutants(head_verilog(CORES["two groups"]), 120, 0, CORE_PARTS)
    assert Counter(mutant.component for mutant in drawn) == dict.fromkeys(CORE_PARTS, 24)


def test_one_build_holds_all_mutants() -> None:
    text = with_all(verilog(), draw_mutants(verilog(), 40, seed=0))
    assert {int(number) for number in re.findall(r"mutant == (\d+)", text)} == set(range(1, 41))


SMALL = HeadConfig(head_dim=1, window=2, columns=1, key_bits=2, value_bits=1, readout_bits=1)


@pytest.mark.formal
@pytest.mark.needs("proofs")
@pytest.mark.parametrize(
    ("new", "expected"),
    [("assign advance = writes & accept;", EQUIVALENT), ("assign advance = writes;", DIFFERENT)],
)
def test_a_proof_tells_equivalent_mutants_from_others(new: str, expected: str) -> None:
    good = head_verilog(SMALL)
    wrong = good.replace("assign advance = accept & writes;", new)
    assert wrong != good
    assert compare_heads(good, wrong, SMALL, seconds=20) == expected


@pytest.mark.formal
@pytest.mark.needs("proofs")
@pytest.mark.parametrize(
    ("line", "new", "cycles", "expected"),
    [
        # An older query is never so young: a lemma.
        (r"\w+ = age_1 == 4'ha", "age_1 == 4'h9", 400, EQUIVALENT),
        # The run ends before the heads differ, and before most values of registers are seen.
        (r"\w+ = age_1 == 6'h28", "age_1 == 6'h29", 2, UNDECIDED),
        (r"\w+ = age_1 == 6'h28", "age_1 == 6'h29", 300, DIFFERENT),
    ],
)
def test_lemmas_prove_no_more_than_what_is_true(
    line: str, new: str, cycles: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lemmas, "CYCLES", cycles)
    monkeypatch.setattr(proof, "INVARIANT", "read_aiger claim.aig; strash; scorr; scorr")
    good = head_verilog(SMALL)
    own = [each for each in mutants_of(good) if each.component == "sequencer"]
    mutant = next(each for each in own if re.search(line, each.line) and each.new == new)
    assert compare_heads(good, with_one(good, mutant), SMALL).startswith(expected)
