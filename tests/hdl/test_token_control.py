"""Admission and sequencer together: when tokens enter, and every enable of the arrays."""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from amaranth import Module
from amaranth.hdl import Elaboratable

from gaincell.behavioral.pins import ArrayPins, Wires, WritePort
from gaincell.config import HeadConfig
from gaincell.hdl.admission import Admission
from gaincell.hdl.sequencer import CONVERTER_PHASES, Sequencer

TIMINGS = [
    {"query_bits": 3, "readout_bits": 3, "write_cycles": 5},
    {"query_bits": 2, "readout_bits": 2, "write_cycles": 1, "reset_cycles": 4},
    {"query_bits": 2, "readout_bits": 3, "write_cycles": 7, "reset_cycles": 1},
    {"query_bits": 1, "readout_bits": 4, "write_cycles": 3},
    {"query_bits": 1, "readout_bits": 1, "write_cycles": 1, "reset_cycles": 1},
    {"query_bits": 2, "step_cycles": 3, "readout_bits": 1, "sync_stages": 2},
]
SCHEDULES = ("sequential", "overlapped", "paired")
FLAGS = ("k_write", "v_write", "k_clear", "v_clear", "query_start")
CYCLES = 300


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return request.param


@pytest.fixture(params=range(len(TIMINGS)))
def config(request, schedule):
    return HeadConfig(head_dim=1, window=1, columns=1, schedule=schedule, **TIMINGS[request.param])


class TokenControl(Elaboratable):
    """The two components, wired as in a head."""

    def __init__(self, config):
        self.admission = Admission(config)
        self.sequencer = Sequencer(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.admission = admission = self.admission
        m.submodules.sequencer = sequencer = self.sequencer
        m.d.comb += [
            admission.newest_age.eq(sequencer.newest_age),
            sequencer.launch.eq(admission.launch),
            sequencer.next_clear_age.eq(admission.next_clear_age),
        ]
        return m


class Token(NamedTuple):
    accept: int
    launch: int
    starts: bool


class Record(NamedTuple):
    """What happened in each cycle: arrays (cycles,) by name, and the tokens accepted."""

    wires: dict[str, np.ndarray]
    tokens: list[Token]


def run(simulate, config, valid, first, consumer_ready, reset_at=None):
    """Offer tokens where ``valid``; results come after the latency, taken if the consumer may.

    ``ready`` must be high exactly when the interval is over and a result place is free.
    """
    dut = TokenControl(config)
    admission, sequencer = dut.admission, dut.sequencer
    cycles, timing = len(valid), config.timing
    names = (*FLAGS, *CONVERTER_PHASES)
    wires = {name: np.zeros(cycles, dtype=int) for name in names}
    tokens = []

    async def testbench(ctx, reset):
        due = deque()
        fresh, last_launch, owed = True, None, 0
        for cycle in range(cycles):
            ctx.set(reset, int(cycle == reset_at))
            interval_over = last_launch is None or cycle >= last_launch + config.interval_cycles
            may_accept = interval_over and owed < timing.result_places
            assert ctx.get(admission.ready) == may_accept, f"cycle {cycle}"
            accept = may_accept and bool(valid[cycle])
            ctx.set(admission.accept, int(accept))
            ctx.set(admission.first, int(first[cycle]))
            deliver = bool(due) and due[0] <= cycle and bool(consumer_ready[cycle])
            ctx.set(admission.deliver, int(deliver))
            assert ctx.get(admission.ready) == may_accept
            for name in names:
                wires[name][cycle] = ctx.get(getattr(sequencer, name))
            if deliver:
                due.popleft()
            owed += accept - deliver
            if accept:
                starts = fresh or bool(first[cycle])
                assert ctx.get(admission.starts_sequence) == starts
                last_launch = cycle + timing.clear_cycles * starts
                due.append(last_launch + timing.latency_cycles)
                tokens.append(Token(cycle, last_launch, starts))
                fresh = False
            if cycle == reset_at:
                due.clear()
                tokens.clear()
                fresh, last_launch, owed = True, None, 0
            await ctx.tick()

    simulate(dut, testbench)
    return Record(wires, tokens)


def expected_wires(tokens, config, cycles):
    """Every enable from nothing but the accepted tokens and the spans of the schedule."""
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
            for begin in {token.accept, token.launch}:
                wires[f"{array}_write"][begin + span.start : begin + span.end] = 1
            if token.starts:
                begin = token.accept
                wires[f"{array}_clear"][begin + span.start : begin + span.end] = 1
    return {name: values[:cycles] for name, values in wires.items()}


def check_wires(record, config, since=0):
    tokens = [Token(t.accept - since, t.launch - since, t.starts) for t in record.tokens]
    cycles = len(record.wires["k_write"]) - since
    for name, values in expected_wires(tokens, config, cycles).items():
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
                free = before.launch + resource.held.end
                assert after.accept + resource.held.start >= free, resource.name


def test_tokens_enter_at_every_interval_and_run_through_their_spans(config, simulate):
    first = np.zeros(CYCLES, dtype=bool)
    record = run(simulate, config, ~first, first, ~first)
    launches = [token.launch for token in record.tokens]
    assert len(launches) > CYCLES // config.interval_cycles - 2
    assert launches[0] == config.write_cycles
    assert set(np.diff(launches)) == {config.interval_cycles}
    check_wires(record, config)
    check_resources(record, config)
    check_electrical_rules(record, config)


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
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
    assert min(np.diff(accepts)) >= config.interval_cycles + config.write_cycles
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
        assert record.tokens[0] == (reset_at + 1, reset_at + 1 + config.write_cycles, True)
        check_wires(record, config, since=reset_at + 1)
