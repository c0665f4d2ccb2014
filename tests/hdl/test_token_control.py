"""Admission and sequencer together: when queries enter, and every enable of the arrays."""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from amaranth import Module
from amaranth.hdl import Elaboratable
from grids import rest_slow

from gaincell.behavioral.pins import ArrayPins, Wires, WritePort
from gaincell.config import HeadConfig
from gaincell.hdl.admission import Admission
from gaincell.hdl.sequencer import CONVERTER_PHASES, Sequencer
from gaincell.hdl.write_age import write_age

TIMINGS = [
    {"query_bits": 3, "readout_bits": 3, "write_cycles": 5},
    {"query_bits": 2, "readout_bits": 2, "write_cycles": 1, "reset_cycles": 4},
    {"query_bits": 2, "readout_bits": 3, "write_cycles": 7, "reset_cycles": 1},
    {"query_bits": 1, "readout_bits": 4, "write_cycles": 3},
    {"query_bits": 1, "readout_bits": 1, "write_cycles": 1, "reset_cycles": 1},
    {"query_bits": 2, "step_cycles": 3, "readout_bits": 1, "sync_stages": 2},
]
SCHEDULES = ("sequential", "overlapped", "paired")
STARTS = [f"{array}_{kind}_starts" for array in "kv" for kind in ("write", "clear", "refresh")]
FLAGS = ("k_write", "v_write", "k_clear", "v_clear", "query_start", *STARTS)
CYCLES = 300


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return request.param


@pytest.fixture(params=rest_slow(range(len(TIMINGS))))
def config(request, schedule):
    return HeadConfig(head_dim=1, window=1, columns=1, schedule=schedule, **TIMINGS[request.param])


class TokenControl(Elaboratable):
    """The two components, wired as in a head, and the age of a refresh."""

    def __init__(self, config):
        self.timing = config.timing
        self.admission = Admission(config.timing, refreshes=config.retention is not None)
        self.sequencer = Sequencer(config.timing, refreshes=config.retention is not None)

    def elaborate(self, platform):
        m = Module()
        m.submodules.admission = admission = self.admission
        m.submodules.sequencer = sequencer = self.sequencer
        m.d.comb += [
            admission.newest_age.eq(sequencer.newest_age),
            sequencer.launch.eq(admission.launch),
            sequencer.launch_writes.eq(admission.launch_writes),
            sequencer.clear_launch.eq(admission.clear_launch),
            sequencer.clear_age.eq(admission.clear_age),
            sequencer.refresh_launch.eq(admission.refresh_launch),
        ]
        age = write_age(m, admission.refresh_launch, self.timing)
        m.d.comb += [admission.refresh_age.eq(age), sequencer.refresh_age.eq(age)]
        return m


class Token(NamedTuple):
    """A query, offered ``since`` a cycle, that was accepted; it ``writes`` if it is a token's."""

    accept: int
    launch: int
    starts: bool
    writes: bool
    since: int


class Record(NamedTuple):
    """What happened in each cycle: arrays (cycles,) by name, queries accepted, refresh launches."""

    wires: dict[str, np.ndarray]
    tokens: list[Token]
    refreshes: list[int]


def run(
    simulate,
    config,
    valid,
    first,
    consumer_ready,
    reset_at=None,
    *,
    further=None,
    refresh=None,
    standing=False,
):
    """Offer queries where ``valid``, and if ``standing`` until they are taken.

    Results come after the latency and are taken if the consumer may.
    ``ready`` must be high exactly when the interval is over, a result place is free and no refresh
    comes first. ``refresh`` is (arise, patience): where one is needed, and for how many cycles it
    may wait until it is urgent.
    """
    none = np.zeros(len(valid), dtype=bool)
    further = none if further is None else further
    arise, patience = (none, 0) if refresh is None else refresh
    dut = TokenControl(config)
    admission, sequencer = dut.admission, dut.sequencer
    cycles, timing = len(valid), config.timing
    names = (*FLAGS, *CONVERTER_PHASES)
    wires = {name: np.zeros(cycles, dtype=int) for name in names}
    tokens, refreshes = [], []

    async def testbench(ctx, reset):
        due = deque()
        fresh, last_launch, owed = True, -1000, 0
        wanted_since, rewritten = None, -1000
        since = None
        for cycle in range(cycles):
            ctx.set(reset, int(cycle == reset_at))
            offered = bool(valid[cycle]) or (standing and since is not None)
            if not standing or (offered and since is None):
                since = cycle
            if arise[cycle] and wanted_since is None and cycle >= rewritten + timing.v_write.end:
                wanted_since = cycle
            wanted = wanted_since is not None
            urgent = wanted and cycle >= wanted_since + patience
            place_free = owed < timing.result_places
            may_accept = cycle >= last_launch + config.interval_cycles and place_free
            may_accept &= cycle >= rewritten + timing.clear_cycles and not urgent
            ctx.set(admission.refresh_wanted, int(wanted))
            ctx.set(admission.refresh_urgent, int(urgent))
            for other in (not offered, offered):
                ctx.set(admission.offered, int(other))
                assert ctx.get(admission.ready) == may_accept, f"cycle {cycle}"
            accept = may_accept and offered
            ctx.set(admission.first, int(first[cycle]))
            ctx.set(admission.further, int(further[cycle]))
            deliver = bool(due) and due[0] <= cycle and bool(consumer_ready[cycle])
            ctx.set(admission.deliver, int(deliver))
            assert ctx.get(admission.ready) == may_accept
            assert ctx.get(admission.accept) == accept
            arrays_free = cycle >= last_launch + timing.arrays_cycles
            query_first = offered and place_free and not urgent
            launches = wanted and arrays_free and not query_first
            assert ctx.get(admission.refresh_launch) == launches, f"cycle {cycle}"
            for name in names:
                wires[name][cycle] = ctx.get(getattr(sequencer, name))
            if deliver:
                due.popleft()
            owed += accept - deliver
            if accept:
                starts = fresh or bool(first[cycle])
                writes = starts or not further[cycle]
                assert ctx.get(admission.starts_sequence) == starts
                assert ctx.get(admission.writes) == writes
                last_launch = cycle + timing.clear_cycles * starts
                due.append(last_launch + timing.latency_cycles)
                tokens.append(Token(cycle, last_launch, starts, writes, since))
                since = None
                fresh = False
            if launches:
                refreshes.append(cycle)
                wanted_since, rewritten = None, cycle
            if cycle == reset_at:
                due.clear()
                tokens.clear()
                refreshes.clear()
                fresh, last_launch, owed = True, -1000, 0
                wanted_since, rewritten = None, -1000
            await ctx.tick()

    simulate(dut, testbench)
    return Record(wires, tokens, refreshes)


def expected_wires(tokens, refreshes, config, cycles):
    """Every enable from nothing but what was launched and the spans of the schedule."""
    timing = config.timing
    wires = {
        name: np.zeros(cycles + timing.out.end + 1, dtype=int)
        for name in (*FLAGS, *CONVERTER_PHASES)
    }
    for place, token in enumerate(tokens):
        # After reset the first token uses the second of two banks.
        bank = (place + 1) % timing.banks
        for name, phase in CONVERTER_PHASES.items():
            span = getattr(timing, phase)
            wires[name][token.launch + span.start : token.launch + span.end] |= 1 << bank
        wires["query_start"][token.launch + timing.qk.start - 1] = 1
        for array in "kv":
            span = getattr(timing, f"{array}_write")
            for begin in {token.accept, token.launch} if token.writes else ():
                wires[f"{array}_write"][begin + span.start : begin + span.end] = 1
                wires[f"{array}_write_starts"][begin + span.start - 1] = 1
            if token.starts:
                begin = token.accept
                wires[f"{array}_clear"][begin + span.start : begin + span.end] = 1
                wires[f"{array}_clear_starts"][begin + span.start - 1] = 1
    for begin in refreshes:
        for array in "kv":
            span = getattr(timing, f"{array}_write")
            wires[f"{array}_write"][begin + span.start : begin + span.end] = 1
            for kind in ("write", "refresh"):
                wires[f"{array}_{kind}_starts"][begin + span.start - 1] = 1
    return {name: values[:cycles] for name, values in wires.items()}


def check_wires(record, config, since=0):
    tokens = [
        Token(token.accept - since, token.launch - since, *token[2:]) for token in record.tokens
    ]
    refreshes = [cycle - since for cycle in record.refreshes]
    cycles = len(record.wires["k_write"]) - since
    for name, values in expected_wires(tokens, refreshes, config, cycles).items():
        assert record.wires[name][since:].tolist() == values.tolist(), name


def check_electrical_rules(record, config):
    """No array or integrator is used twice at once: the arrays' model sees every cycle."""
    pins = ArrayPins(config)
    wires = record.wires
    for cycle in range(len(wires["k_write"])):
        ports = (
            WritePort(int(wires[f"{array}_write"][cycle]), int(wires[f"{array}_clear"][cycle]))
            for array in "kv"
        )
        pins.step(Wires(*ports, 0, *(int(wires[name][cycle]) for name in CONVERTER_PHASES)))


def check_resources(record, config):
    """Tokens that use the same copy of a resource hold it one after the other."""
    for resource in config.timing.resources:
        for copy in range(resource.copies):
            tokens = record.tokens[copy :: resource.copies]
            for before, after in pairwise(tokens):
                free = before.launch + resource.used.end
                assert after.accept + resource.used.start >= free, resource.name


def test_tokens_enter_at_every_interval_and_run_through_their_spans(config, simulate):
    first = np.zeros(CYCLES, dtype=bool)
    record = run(simulate, config, ~first, first, ~first)
    launches = [token.launch for token in record.tokens]
    assert len(launches) > CYCLES // config.interval_cycles - 2
    assert launches[0] == config.write_cycles + 1
    assert set(np.diff(launches)) == {config.interval_cycles}
    check_wires(record, config)
    check_resources(record, config)
    check_electrical_rules(record, config)


@pytest.mark.parametrize("share", rest_slow([0.3, 0.05, 1.0]))
def test_no_resource_is_used_twice_whatever_streams_do(config, share, simulate, rng):
    valid = rng.random(CYCLES) < share
    first = rng.random(CYCLES) < 0.3
    consumer_ready = rng.random(CYCLES) < rng.choice([0.05, 0.5, 1.0])
    record = run(simulate, config, valid, first, consumer_ready)
    assert len(record.tokens) > 2
    check_wires(record, config)
    check_resources(record, config)
    check_electrical_rules(record, config)


def test_every_token_may_start_a_sequence(config, simulate):
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, always, always)
    accepts = [token.accept for token in record.tokens]
    assert all(token.starts for token in record.tokens)
    assert min(np.diff(accepts)) >= config.interval_cycles + config.write_cycles + 1
    check_wires(record, config)
    check_electrical_rules(record, config)


def test_a_stalled_consumer_leaves_as_many_tokens_as_result_places(config, simulate):
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, ~always, ~always)
    assert len(record.tokens) == config.timing.result_places


def test_banks_alternate(simulate):
    config = HeadConfig(head_dim=1, window=1, columns=1, schedule="paired", **TIMINGS[0])
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, ~always, always)
    wires = record.wires
    for name, phase in (("k_integrate", config.timing.qk), ("v_convert", config.timing.out)):
        banks = [wires[name][token.launch + phase.start] for token in record.tokens[:6]]
        assert banks == [0b10, 0b01, 0b10, 0b01, 0b10, 0b01]


def test_reset_forgets_tokens_and_results_owed(config, simulate, rng):
    always = np.ones(CYCLES, dtype=bool)
    for reset_at in rng.integers(2, 3 * config.interval_cycles, 2).tolist():
        record = run(simulate, config, always, ~always, always, reset_at)
        accept, launch, starts, writes, _ = record.tokens[0]
        assert (accept, launch) == (reset_at + 1, reset_at + 2 + config.write_cycles)
        assert (starts, writes) == (True, True)
        check_wires(record, config, since=reset_at + 1)


@pytest.mark.parametrize("share", rest_slow([1.0, 0.05]))
def test_refreshes_and_further_queries_keep_the_arrays_rules(config, share, simulate, rng):
    cycles = CYCLES
    valid = rng.random(cycles) < share
    first = rng.random(cycles) < 0.1
    further = rng.random(cycles) < 0.5
    consumer_ready = rng.random(cycles) < rng.choice([0.05, 0.5, 1.0])
    refresh = rng.random(cycles) < 0.05, int(rng.integers(0, config.interval_cycles))
    record = run(simulate, config, valid, first, consumer_ready, further=further, refresh=refresh)
    assert len(record.refreshes) > 2
    assert {token.writes for token in record.tokens} == {False, True}
    check_wires(record, config)
    check_resources(record, config)
    check_electrical_rules(record, config)


def test_a_further_query_runs_through_all_phases_but_the_writes(config, simulate):
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, ~always, always, further=always)
    # The first query after reset is a token whatever it says.
    assert [token.writes for token in record.tokens] == [True] + [False] * (len(record.tokens) - 1)
    check_wires(record, config)
    check_electrical_rules(record, config)


def test_first_wins_over_further(config, simulate):
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, always, always, further=always)
    assert all(token.starts and token.writes for token in record.tokens)
    check_wires(record, config)


@pytest.mark.parametrize("share", rest_slow([1.0, 0.04]))
def test_a_refresh_delays_a_query_by_at_most_one_write_and_a_gap(config, share, simulate, rng):
    always = np.ones(CYCLES, dtype=bool)
    valid = rng.random(CYCLES) < share
    refresh = rng.random(CYCLES) < 0.1, int(rng.integers(0, 9))
    record = run(simulate, config, valid, ~always, always, refresh=refresh, standing=True)
    delays = [
        after.accept - max(after.since, before.launch + config.interval_cycles)
        for before, after in pairwise(record.tokens)
    ]
    assert record.refreshes
    assert max(delays) <= config.write_cycles + 1


def test_queries_go_first_until_a_refresh_is_urgent(config, simulate):
    """Unless the next query waits for the place of its result, not for the arrays."""
    always = np.ones(CYCLES, dtype=bool)
    patience = 3 * config.interval_cycles
    record = run(simulate, config, always, ~always, always, refresh=(always, patience))
    over = 0
    for refresh in record.refreshes:
        accepted = sum(token.accept < refresh for token in record.tokens)
        latency = config.latency_cycles
        taken = sum(token.launch + latency < refresh for token in record.tokens)
        waited = refresh - over
        assert waited >= patience or accepted - taken == config.timing.result_places
        over = refresh + config.timing.v_write.end
    check_electrical_rules(record, config)


def test_an_urgent_refresh_goes_before_all_queries(config, simulate):
    always = np.ones(CYCLES, dtype=bool)
    record = run(simulate, config, always, ~always, always, refresh=(always, 0))
    assert record.refreshes[0] == 0
    assert all(token.accept > 0 for token in record.tokens)
    pause = np.diff(record.refreshes)
    assert (
        max(pause)
        <= config.timing.arrays_cycles + config.timing.v_write.end + config.timing.clear_cycles
    )


def test_refreshes_go_on_while_the_consumer_is_stalled(config, simulate):
    always = np.ones(2 * CYCLES, dtype=bool)
    record = run(simulate, config, always, ~always, ~always, refresh=(always, len(always)))
    assert len(record.tokens) == config.timing.result_places
    later = [cycle for cycle in record.refreshes if cycle > record.tokens[-1].launch]
    assert len(later) > CYCLES // (2 * config.timing.v_write.end + 2)
    check_wires(record, config)
    check_electrical_rules(record, config)


def test_without_refresh_in_the_config_none_is_launched(simulate):
    config = HeadConfig(head_dim=1, window=1, columns=1, refresh=False, **TIMINGS[0])
    dut = Admission(config.timing, refreshes=False)

    async def testbench(ctx, reset):
        ctx.set(dut.refresh_wanted, 1)
        ctx.set(dut.refresh_urgent, 1)
        ctx.set(dut.offered, 1)
        for _ in range(5):
            assert ctx.get(dut.ready) or not ctx.get(dut.accept)
            assert not ctx.get(dut.refresh_launch)
            await ctx.tick()

    simulate(dut, testbench)
