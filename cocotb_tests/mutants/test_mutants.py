"""The machinery of the mutation campaign: a few mutants, and the head itself."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from gaincell.cocotb_tests.conftest import needs_icarus
from gaincell.cocotb_tests.mutants import checks
from gaincell.cocotb_tests.mutants.checks import HEAD_ITSELF, MutantHead
from gaincell.cocotb_tests.mutants.equivalence import DIFFERENT, EQUIVALENT, compare_heads
from gaincell.cocotb_tests.mutants.mutate import (
    Mutant,
    draw_mutants,
    mutants_of,
    with_all,
    with_one,
)
from gaincell.cocotb_tests.mutants.scenarios import HEADS
from gaincell.hdl.verilog import head_verilog

VERILOG = head_verilog(HEADS["sink"])
MUTANTS = mutants_of(VERILOG)


def mutant_of(component: str, line: str, new: str) -> Mutant:
    """The one mutant of a component whose line and change match the patterns."""
    found = [
        each
        for each in MUTANTS
        if each.component == component
        and re.search(line, each.line)
        and re.fullmatch(new, each.new)
    ]
    assert len(found) == 1, found
    return found[0]


NOTICED = [
    mutant_of("admission", r"assign starts_sequence", r"port_0_\d+\[0\]"),
    mutant_of("readout", r"\.*assign flipped", r"pulse_sampled_\d"),
    mutant_of("refresh", r"assign may_give_up", "1'h0"),
    mutant_of("refresh_held_columns_dropped", r"if \(write\)", "1'b0"),
]
NUMBERS = range(1, len(NOTICED) + 1)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MutantHead]:
    """The head "sink" with the mutants of ``NOTICED``."""
    with pytest.MonkeyPatch.context() as patch:
        numbered = [
            Mutant(number, *list(vars(each).values())[1:])
            for number, each in zip(NUMBERS, NOTICED, strict=True)
        ]
        patch.setattr(checks, "draw_mutants", lambda *_: numbered)
        made = MutantHead("sink", 0, 0, tmp_path_factory.mktemp("mutants"))
        made.compile()
        yield made


@pytest.mark.cosim
@needs_icarus
@pytest.mark.usefixtures("short_runs")
def test_the_head_itself_passes_everything(head: MutantHead) -> None:
    assert head.ask_testbench(HEAD_ITSELF) is None
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
    lines = VERILOG.split("\n")
    assert len(MUTANTS) > 1000
    for mutant in MUTANTS[::97]:
        assert lines[mutant.place] == mutant.line
        assert mutant.old in mutant.line
        assert mutant.new != mutant.old


def test_mutants_are_drawn_evenly_over_all_components() -> None:
    drawn = draw_mutants(VERILOG, 130, seed=3)
    assert [mutant.number for mutant in drawn] == list(range(1, 131))
    modules = re.findall(r"^module gaincell_(?:head_)?(\w+)\(", VERILOG, re.MULTILINE)
    counts = Counter(mutant.component for mutant in drawn)
    assert sorted(counts) == sorted(modules)
    assert min(counts.values()) >= 9
    assert draw_mutants(VERILOG, 130, seed=4) != drawn


def test_one_build_holds_all_mutants() -> None:
    text = with_all(VERILOG, draw_mutants(VERILOG, 40, seed=0))
    assert {int(number) for number in re.findall(r"mutant == (\d+)", text)} == set(range(1, 41))


@pytest.mark.formal
@pytest.mark.needs("proofs")
@pytest.mark.parametrize(("number", "expected"), [(0, EQUIVALENT), (1, DIFFERENT)])
def test_a_proof_tells_equivalent_mutants_from_others(number: int, expected: str) -> None:
    # The first is written otherwise, and is the same.
    same = VERILOG.replace("assign advance = accept & writes;", "assign advance = writes & accept;")
    assert same != VERILOG
    wrong = with_one(VERILOG, NOTICED[number - 1]) if number else same
    assert compare_heads(VERILOG, wrong, HEADS["sink"], seconds=20) == expected
