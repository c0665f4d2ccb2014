"""Every property, proved of a head with a bug, must fail with a counterexample."""

from dataclasses import replace
from pathlib import Path

import pytest
from formal.campaign import CORE_PROPERTIES, PROPERTIES, Property
from formal.geometries import LONG_WRITE, ONE, OVERLAPPED, PAIRED, PLAIN, tight
from formal.planting import Bug, planted
from formal.tools import make_shims, prove

from gaincell.config import HeadConfig
from gaincell.schedule import Schedule, Span

pytestmark = pytest.mark.needs("proofs")

TWO_COLUMNS = tight(window=2, columns=2)
"""The smallest head in which a refresh can go to a wrong column."""

EVERY = (*PROPERTIES, *CORE_PROPERTIES)
BY_NAME = {each.name: each for each in EVERY}

WRONG_SOURCES: dict[str, tuple[HeadConfig, Bug]] = {
    "writes: in range": (
        PAIRED,
        Bug(
            "write_pointer",
            "m.Elif(column == config.columns - 1)",
            "m.Elif(column == config.columns)",
        ),
    ),
    "writes: clear with each sequence": (
        OVERLAPPED,
        Bug(
            "admission", "starts_sequence.eq(self.first | fresh)", "starts_sequence.eq(self.first)"
        ),
    ),
    "writes: refresh at its offsets": (
        TWO_COLUMNS,
        Bug(
            "core.attention_core",
            "column = Mux(refresh_starts, refresh.column, column)",
            "column = column",
        ),
    ),
    "writes: apart": (
        OVERLAPPED,
        Bug(
            "admission", "refresh_age < timing.clear_cycles", "refresh_age < timing.k_write.cycles"
        ),
    ),
    "writes: carry their own codes": (
        OVERLAPPED,
        Bug("core.group_parts", 'codes["q"].eq(token["q"])', 'codes["q"].eq(token["v"])'),
    ),
    "phases: queries inside integration": (
        OVERLAPPED,
        Bug(
            "sequencer",
            "some_age_becomes(timing.qk.start)",
            "some_age_becomes(timing.qk.start + 1)",
        ),
    ),
    "pointer: counts tokens": (
        LONG_WRITE,
        Bug("write_pointer", "self.fill != config.stored_columns", "self.fill != 2"),
    ),
    "results: one per query": (
        OVERLAPPED,
        Bug("admission", "place_free.eq(owed != timing.result_places)", "place_free.eq(1)"),
    ),
    "results: queue keeps order": (
        OVERLAPPED,
        Bug("result_queue", "valid & (holds == leaves)", "valid"),
    ),
    "results: each gets its own": (
        PLAIN,
        Bug("readout.sample_strobes", "prepared=sample & ~sampled", "prepared=sample & sampled"),
    ),
    "results: result holds": (
        OVERLAPPED,
        Bug("result_queue", "valid & (holds == leaves)", "valid"),
    ),
    "results: request holds": (
        ONE,
        Bug("refresh.column_requests", "~self.request.valid | self.request.ready", "self.ask"),
    ),
    "refresh: keeps the rules": (
        ONE,
        Bug("admission", "place_free & ~self.refresh_urgent", "place_free"),
    ),
    "refresh: delays by one write": (
        ONE,
        Bug("admission", "refresh_age < timing", "refresh_age <= timing"),
    ),
    "refresh: fill is exact": (
        LONG_WRITE,
        Bug("write_pointer", "self.fill != config.stored_columns", "self.fill != 2"),
    ),
    "refresh: read within bound": (
        ONE,
        Bug("refresh.refresh", "young.young, young.cleared", "1, 1"),
    ),
    "columns: skips only the young": (
        ONE,
        Bug("refresh.young_columns", "tokens.eq(self.advance)", "tokens.eq(tokens)"),
    ),
    "columns: never beyond the bound": (
        OVERLAPPED,
        Bug("refresh.refresh", "young.young, young.cleared", "young.young, 1"),
    ),
    "columns: worst age is true": (
        ONE,
        Bug("refresh.refresh", "self._plan.young_cycles + self._plan.sweep_cycles", "2"),
    ),
    "columns: writes the token again": (
        ONE,
        Bug("refresh.column_requests", "self.tag.eq(next_tag)", "self.tag.eq(0)"),
    ),
    "columns: refreshed is exact": (
        ONE,
        Bug("refresh.refresh", "m.If(writes_data & last_cycle)", "m.If(~waits & last_cycle)"),
    ),
    "columns: dropped is exact": (
        ONE,
        Bug("refresh.refresh", "give_up.eq(may_give_up & ~arrived)", "give_up.eq(~arrived)"),
    ),
    "beats: collected": (ONE, Bug("core.upsizer", "~whole.valid | whole.ready", "1")),
    "beats: sent": (
        ONE,
        Bug("core.downsizer", "(leaves & beat.payload.last)", "leaves"),
    ),
    "beats: groups in step": (
        OVERLAPPED,
        Bug(
            "core.group",
            "take_result=ready",
            "take_result=ready & self._ports.outputs[0]",
        ),
    ),
    "host: registers answer": (ONE, Bug("host.axi_lite_port", "m.Elif(bus.rready)", "m.Else()")),
    "host: packets received": (
        ONE,
        Bug(
            "host.packet_receiver",
            "beat.payload.last == upsizer.ends",
            "beat.payload.last >= upsizer.ends",
        ),
    ),
    "host: offers hold": (
        ONE,
        Bug(
            "host.hosted_core",
            "axi.tvalid.eq(beat.valid)",
            "axi.tvalid.eq(beat.valid & ~resetting)",
        ),
    ),
}


def moved(config: HeadConfig, phase: str, start: int, end: int) -> Schedule:
    """The schedule of ``config`` with the ends of one phase moved by some cycles."""
    span: Span = getattr(config.timing, phase)
    return replace(config.timing, **{phase: Span(span.start + start, span.end + end)})


WRONG_SCHEDULES: dict[str, tuple[HeadConfig, Schedule]] = {
    "writes: never in a read": (OVERLAPPED, moved(OVERLAPPED, "v_write", 1, 1)),
    "writes: whole and stable": (LONG_WRITE, moved(LONG_WRITE, "k_write", 1, 0)),
    "writes: end where the read begins": (LONG_WRITE, moved(LONG_WRITE, "k_write", 0, 1)),
    "phases: integrators do one thing": (OVERLAPPED, moved(OVERLAPPED, "k_reset", 1, 1)),
    "phases: phases follow each other": (OVERLAPPED, moved(OVERLAPPED, "out", 0, 1)),
}


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shims(tmp_path_factory.mktemp("bin"))


def assert_refuted(design: str, folder: Path, shims: Path) -> None:
    verdict = prove(design, folder / "proof", shims, timeout_s=60)
    assert verdict.result == "failed", verdict.log[-2000:]
    assert "failed assertion" in verdict.log


@pytest.mark.formal
@pytest.mark.parametrize("name", WRONG_SOURCES)
def test_a_wrong_component_is_refuted(name: str, tmp_path: Path, shims: Path) -> None:
    config, bug = WRONG_SOURCES[name]
    with planted(bug):
        design = BY_NAME[name].design(config)
    assert_refuted(design, tmp_path, shims)


@pytest.mark.formal
@pytest.mark.parametrize("name", WRONG_SCHEDULES)
def test_a_wrong_schedule_is_refuted(name: str, tmp_path: Path, shims: Path) -> None:
    config, timing = WRONG_SCHEDULES[name]
    assert_refuted(BY_NAME[name].design(config, timing), tmp_path, shims)


def test_every_property_has_a_bug_that_breaks_it() -> None:
    assert BY_NAME.keys() == WRONG_SOURCES.keys() | WRONG_SCHEDULES.keys()


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_every_property_is_proved_on_two_geometries(each: Property) -> None:
    assert len(set(each.configs)) >= 2


@pytest.mark.formal
def test_the_head_without_a_bug_is_not_refuted(tmp_path: Path, shims: Path) -> None:
    design = BY_NAME["writes: in range"].design(PAIRED)
    assert prove(design, tmp_path / "proof", shims).result == "proved"


def test_a_planted_bug_is_gone_afterwards() -> None:
    each = BY_NAME["writes: carry their own codes"]
    before = each.design(OVERLAPPED)
    with planted(WRONG_SOURCES[each.name][1]):
        assert each.design(OVERLAPPED) != before
    assert each.design(OVERLAPPED) == before
