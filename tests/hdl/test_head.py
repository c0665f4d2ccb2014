"""The whole control against the arrays' model, cycle by cycle, and attention's integer answer."""

import numpy as np
import pytest
from grids import rest_slow
from refreshing import place_of, refreshing_config, slot_of

from gaincell.behavioral.attention import attend
from gaincell.behavioral.pins import ArrayPins, Wires, WritePort, pack_codes
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.hdl.head import Head
from gaincell.hdl.sequencer import CONVERTER_PHASES

BRIEF = {"query_bits": 2, "readout_bits": 2, "write_cycles": 3}
GEOMETRIES = {
    "one cell": {"head_dim": 1, "window": 1, "columns": 1, **BRIEF},
    "one cell and sink": {"head_dim": 1, "window": 1, "columns": 1, "sink": 1, **BRIEF},
    "sub-tile and sink": {"head_dim": 3, "window": 5, "columns": 5, "sink": 2, **BRIEF},
    "odd": {"head_dim": 5, "window": 6, "columns": 3, "sink": 3, "key_bits": 1, "query_bits": 3},
    "two stages": {"head_dim": 2, "window": 6, "columns": 2, "sync_stages": 2, "readout_bits": 3},
    "slow steps": {"head_dim": 3, "window": 2, "columns": 1, "step_cycles": 3, **BRIEF},
    "single bits": {
        "head_dim": 4,
        "window": 3,
        "columns": 3,
        "query_bits": 1,
        "key_bits": 1,
        "value_bits": 1,
        "readout_bits": 1,
        "write_cycles": 1,
        "reset_cycles": 1,
        "retention_error": 0.1,
    },
}
SCHEDULES = ("paired", "sequential", "overlapped")


@pytest.fixture(params=rest_slow(SCHEDULES))
def schedule(request):
    return request.param


@pytest.fixture(params=READOUT_NAMES)
def readout(request):
    return request.param


def random_tokens(rng, config, tokens, first_share=0.0):
    """Codes q, k, v (T, D) and flags first (T,), full scale in one place of four."""
    tops = {"q": config.query_max, "k": config.key_max, "v": config.value_max}
    codes = {}
    for name, top in tops.items():
        code = rng.integers(0, top + 1, (tokens, config.head_dim))
        codes[name] = np.where(rng.random(code.shape) < 0.25, top, code)
    return {**codes, "first": rng.random(tokens) < first_share}


def answer(tokens, config):
    """Outputs of one sequence of tokens, after reset."""
    return attend(tokens["q"], tokens["k"], tokens["v"], config, first=tokens["first"])


def answer_in_groups(queries, config):
    """The same where some queries are ``further`` ones: each has the token before it."""
    brings_token = queries["first"] | ~queries["further"]
    brings_token[0] = True
    token_of = np.cumsum(brings_token) - 1
    place_in_group = np.arange(len(token_of)) - np.flatnonzero(brings_token)[token_of]
    shape = (brings_token.sum(), place_in_group.max() + 1, config.head_dim)
    grouped = np.zeros(shape, dtype=queries["q"].dtype)
    grouped[token_of, place_in_group] = queries["q"]
    k, v, first = (queries[name][brings_token] for name in ("k", "v", "first"))
    return attend(grouped, k, v, config, first=first)[token_of, place_in_group]


class HeadBench:
    """A head, its arrays and the digital copies of its columns, one ``cycle`` at a time.

    Every request is answered after ``answer_after()`` cycles, in any order.
    """

    def __init__(self, ctx, dut, rng, answer_after=lambda: 1):
        self._ctx, self._dut, self._config = ctx, dut, dut.config
        self._answer_after = answer_after
        self.pins = ArrayPins(dut.config, rng=rng)
        self.cycle = 0
        self.accepts = []
        self.results = []
        """(cycle of first validity, outputs)"""
        self.writes = {"k": 0, "v": 0}
        """Cycles in which each array was written."""
        self._forget_streams()

    def _forget_streams(self):
        self._valid_since = None
        self._held = None
        self._token = None
        self._position = -1
        self._copies = {}
        self._answers = []
        """(cycle from which it may be offered, response)"""
        self._response = None

    def offer(self, token=None):
        """Offer a token from now on, or none."""
        ctx, dut = self._ctx, self._dut
        self._token = token
        ctx.set(dut.token.valid, int(token is not None))
        if token is not None:
            fields = {name: token[name].tolist() for name in ("q", "k", "v", "first")}
            fields["further"] = int(token.get("further", 0))
            ctx.set(dut.token.payload, fields)

    async def step(self, ready=True, resets=False):
        """One cycle; whether the token offered in it was accepted.

        A column write that a reset ends counts as a cycle too short, whatever it was.
        """
        ctx, dut = self._ctx, self._dut
        ctx.set(dut.result.ready, int(ready))
        self._respond()
        self._run_arrays(resets)
        accepted = bool(ctx.get(dut.token.valid) & ctx.get(dut.token.ready))
        if accepted:
            self.accepts.append(self.cycle)
            self._copy_codes()
        self._watch_result(ready)
        self.cycle += 1
        await ctx.tick()
        return accepted

    def reset_bench(self):
        """As the control is reset: what it was doing is forgotten, arrays keep their charge."""
        self.accepts.clear()
        self.results.clear()
        self._forget_streams()
        self.pins.forget_pulses_and_log()

    def _copy_codes(self):
        token = self._token
        if self._position < 0 or token["first"]:
            self._position = -1
            self._copies.clear()
        elif token.get("further", False):
            return
        self._position += 1
        place = place_of(slot_of(self._position, self._config), self._config)
        self._copies[place] = {"k": token["k"].tolist(), "v": token["v"].tolist()}

    def _respond(self):
        """Take a request, and offer a response until it is taken."""
        ctx, request, response = self._ctx, self._dut.refresh_request, self._dut.refresh_response
        if self._response is None:
            due = [answer for answer in self._answers if answer[0] <= self.cycle]
            if due:
                self._answers.remove(due[-1])
                self._response = due[-1][1]
                ctx.set(response.payload, self._response)
        ctx.set(response.valid, int(self._response is not None))
        if ctx.get(response.valid) and ctx.get(response.ready):
            self._response = None
        ctx.set(request.ready, 1)
        if ctx.get(request.valid):
            place = (ctx.get(request.payload.tile), ctx.get(request.payload.column))
            data = self._copies[place] | {"tag": ctx.get(request.payload.tag)}
            self._answers.append((self.cycle + 1 + self._answer_after(), data))

    def _run_arrays(self, resets):
        ctx, array = self._ctx, self._dut.array
        enables = [ctx.get(getattr(array, name)) for name in CONVERTER_PHASES]
        ports = [self._port(port) for port in (array.k_write, array.v_write)]
        for name, port in zip("kv", ports, strict=True):
            self.writes[name] += port.enable
        if resets:
            ports = [WritePort(), WritePort()]
        self.pins.step(Wires(*ports, ctx.get(array.query), *enables))
        pulse, sign = self.pins.outputs()
        ctx.set(array.pulse, pulse)
        ctx.set(array.sign, sign)

    def _port(self, port):
        get = self._ctx.get
        if not get(port.enable):
            return WritePort()
        return WritePort(
            1,
            get(port.broadcast),
            get(port.tile),
            get(port.column),
            get(port.code.as_value()),
        )

    def _watch_result(self, ready):
        ctx, dut = self._ctx, self._dut
        if not ctx.get(dut.result.valid):
            assert self._valid_since is None, "a result vanished"
            return
        y_code = [ctx.get(dut.result.payload[place]) for place in range(self._config.head_dim)]
        if self._valid_since is None:
            self._valid_since, self._held = self.cycle, y_code
        assert y_code == self._held, "a result changed while it waited"
        if ready:
            self.results.append((self._valid_since, y_code))
            self._valid_since = None


async def run_tokens(bench, tokens, idle=None, ready=None):
    """Offer all tokens, each after ``idle()`` cycles, and wait for all results."""
    idle, ready = idle or (lambda: 0), ready or (lambda: True)
    count = len(tokens["q"])
    patience = 60 * count * bench.pins.config.timing.latency_cycles
    for place in range(count):
        for _ in range(idle()):
            await bench.step(ready())
        bench.offer({name: values[place] for name, values in tokens.items()})
        while not await bench.step(ready()):
            assert bench.cycle < patience
        bench.offer()
    while len(bench.results) < count:
        await bench.step(ready())
        assert bench.cycle < patience


@pytest.mark.parametrize("geometry", rest_slow(GEOMETRIES, 3))
def test_computes_attention_at_full_rate(geometry, schedule, readout, simulate, rng):
    config = HeadConfig(schedule=schedule, readout=readout, **GEOMETRIES[geometry])
    dut = Head(config)
    tokens = random_tokens(rng, config, 2 * config.window + config.sink + 3)

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        await run_tokens(bench, tokens)
        valid, y_code = zip(*bench.results, strict=True)
        assert np.array_equal(y_code, answer(tokens, config))
        assert np.any(y_code)
        first_interval, *intervals = np.diff(bench.accepts)
        assert set(intervals) == {config.interval_cycles}
        assert first_interval == config.interval_cycles + config.timing.clear_cycles
        first_latency, *latencies = np.subtract(valid, bench.accepts)
        assert set(latencies) == {config.latency_cycles}
        assert first_latency == config.latency_cycles + config.timing.clear_cycles

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", rest_slow(["sub-tile and sink", "two stages", "single bits"]))
def test_computes_the_same_with_stalls_and_sequences(geometry, schedule, readout, simulate, rng):
    config = HeadConfig(schedule=schedule, readout=readout, **GEOMETRIES[geometry])
    dut = Head(config)
    tokens = random_tokens(rng, config, 20, first_share=0.2)

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        await run_tokens(
            bench,
            tokens,
            idle=lambda: int(rng.choice([0, 0, 1, 2, 7, config.latency_cycles])),
            ready=lambda: rng.random() < 0.1,
        )
        assert np.array_equal([y for _, y in bench.results], answer(tokens, config))

    simulate(dut, testbench)


def test_extremes_reach_full_scale(readout, simulate, rng):
    config = HeadConfig(
        head_dim=2, window=4, columns=2, readout=readout, output_saturation=1e-3, **BRIEF
    )
    dut = Head(config)
    full = {name: np.full((8, 2), 7) for name in "kv"}
    tokens = {"q": np.full((8, 2), 3), **full, "first": np.zeros(8, dtype=bool)}
    tokens["v"][:, 1] = 0

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        await run_tokens(bench, tokens)
        y_code = np.array([y for _, y in bench.results])
        assert np.array_equal(y_code, answer(tokens, config))
        assert y_code[-1].tolist() == [config.result_max, -config.result_max]

    simulate(dut, testbench)


def test_reset_in_the_middle_starts_over(schedule, readout, simulate, rng):
    config = HeadConfig(schedule=schedule, readout=readout, **GEOMETRIES["sub-tile and sink"])
    dut = Head(config)

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        for cycles in rng.integers(1, 3 * config.latency_cycles, 5).tolist():
            abandoned = random_tokens(rng, config, 1)
            bench.offer({name: values[0] for name, values in abandoned.items()})
            for _ in range(cycles):
                await bench.step(ready=False)
            bench.offer()
            ctx.set(reset, 1)
            await bench.step(ready=False, resets=True)
            ctx.set(reset, 0)
            bench.reset_bench()
            tokens = random_tokens(rng, config, 4)
            await run_tokens(bench, tokens)
            assert np.array_equal([y for _, y in bench.results], answer(tokens, config))
            bench.reset_bench()

    simulate(dut, testbench)


def test_token_fields_are_where_the_layout_says(simulate, rng):
    config = HeadConfig(head_dim=3, window=2, columns=1, **BRIEF)
    dut = Head(config)
    token = {name: values[0] for name, values in random_tokens(rng, config, 1).items()}

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        bench.offer(token)
        packed = pack_codes(token["q"], 2) | pack_codes(token["k"], 3) << 6
        packed |= pack_codes(token["v"], 3) << 15
        assert ctx.get(dut.token.payload.as_value()) == packed

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "geometry", rest_slow(["sub-tile and sink", "one cell and sink", "two stages"])
)
def test_answers_further_queries_from_the_token_before(geometry, schedule, readout, simulate, rng):
    config = HeadConfig(schedule=schedule, readout=readout, **GEOMETRIES[geometry])
    dut = Head(config)
    queries = random_tokens(rng, config, 24, first_share=0.15)
    # The first query after reset is a token whatever it says, and so is the first of a sequence.
    queries["further"] = rng.random(24) < 0.5
    queries["further"][0] = True
    queries["first"][9] = queries["further"][9] = True

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        await run_tokens(bench, queries, idle=lambda: int(rng.choice([0, 0, 3])))
        assert np.array_equal([y for _, y in bench.results], answer_in_groups(queries, config))
        starts = queries["first"].copy()
        starts[0] = True
        tokens = np.count_nonzero(starts | ~queries["further"])
        written = (tokens + np.count_nonzero(starts)) * config.write_cycles
        assert bench.writes == {"k": written, "v": written}

    simulate(dut, testbench)


def test_further_queries_cost_one_interval_each(schedule, simulate, rng):
    config = HeadConfig(schedule=schedule, **GEOMETRIES["sub-tile and sink"])
    dut = Head(config)
    queries = random_tokens(rng, config, 9)
    queries["further"] = np.arange(9) % 3 > 0

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        await run_tokens(bench, queries)
        assert set(np.diff(bench.accepts)[1:]) == {config.interval_cycles}
        valid = np.array([cycle for cycle, _ in bench.results])
        assert set((valid - bench.accepts)[1:]) == {config.latency_cycles}
        assert ctx.get(dut.status.fill) == 3

    simulate(dut, testbench)


@pytest.mark.parametrize("age_mode", ["steps", "time"])
@pytest.mark.parametrize("late", rest_slow([0.1, 0.0]))
@pytest.mark.parametrize("geometry", rest_slow([(3, 1, 1), (1, 1, 0), (6, 3, 2), (10, 5, 5)]))
def test_computes_from_what_refresh_kept_and_nothing_older(geometry, late, age_mode, simulate, rng):
    """The arrays' model refuses reads beyond the bound and tells which columns were cleared."""
    config = refreshing_config(
        geometry,
        slack=25,
        head_dim=3,
        query_bits=2,
        readout_bits=3,
        age_mode=age_mode,
        schedule=str(rng.choice(SCHEDULES)),
        score_saturation=4.0,
        output_saturation=4.0,
    )
    dut = Head(config)
    plan = config.retention
    tokens = random_tokens(rng, config, 14, first_share=0.1)

    async def testbench(ctx, reset):
        bench = HeadBench(
            ctx,
            dut,
            rng,
            lambda: plan.visit_cycles if rng.random() < late else int(rng.integers(8)),
        )
        await run_tokens(
            bench,
            tokens,
            idle=lambda: int(rng.choice([0, 0, 5, plan.visit_cycles, plan.sweep_cycles // 2])),
        )
        for _ in range(config.bound_cycles):
            await bench.step()
        last = {name: values[-1:] for name, values in random_tokens(rng, config, 1).items()}
        bench.offer({name: values[0] for name, values in last.items()})
        while not await bench.step():
            pass
        bench.offer()
        while len(bench.results) < 15:
            await bench.step()
        every = {name: np.concatenate([tokens[name], last[name]]) for name in tokens}
        codes = (every[name] for name in ("q", "k", "v"))
        expected = attend(*codes, config, events=bench.pins.events, first=every["first"])
        assert np.array_equal([y for _, y in bench.results], expected)
        assert np.any(expected)
        kinds = bench.pins.events["kind"].tolist()
        assert "refresh" in kinds
        assert ctx.get(dut.status.refreshed) > 0
        assert (ctx.get(dut.status.dropped) > 0) <= (late > 0)
        assert max(bench.pins.oldest_read_cycles.values()) <= config.bound_cycles
        assert ctx.get(dut.status.worst_age) <= config.bound_cycles

    simulate(dut, testbench)


def test_without_refresh_nothing_is_asked_for_and_responses_are_taken(simulate, rng):
    config = HeadConfig(refresh=False, **GEOMETRIES["sub-tile and sink"])
    dut = Head(config)
    tokens = random_tokens(rng, config, 12)

    async def testbench(ctx, reset):
        bench = HeadBench(ctx, dut, rng)
        assert ctx.get(dut.refresh_response.ready)
        await run_tokens(bench, tokens)
        assert np.array_equal([y for _, y in bench.results], answer(tokens, config))
        assert not ctx.get(dut.refresh_request.valid)
        status = {name: ctx.get(getattr(dut.status, name)) for name in ("refreshed", "dropped")}
        assert status == {"refreshed": 0, "dropped": 0}
        assert ctx.get(dut.status.fill) == config.stored_columns

    simulate(dut, testbench)
