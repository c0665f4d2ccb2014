# amaranth: UnusedElaboratable=no
"""Visits as a whole, beside a model that keeps time stamps of every column."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.hdl import Elaboratable
from grids import rest_slow
from refreshing import GEOMETRIES, place_of, refreshing_config, slot_of

from gaincell.hdl.refresh.refresh import Refresh
from gaincell.hdl.write_pointer import WritePointer


class RefreshedRing(Elaboratable):
    """The two components, wired as in a head."""

    def __init__(self, config):
        self.config = config
        self.pointer = WritePointer(config)
        self.refresh = Refresh(config, config.timing, config.retention)

    def elaborate(self, platform):
        m = Module()
        m.submodules.pointer = pointer = self.pointer
        m.submodules.refresh = refresh = self.refresh
        m.d.comb += [
            refresh.newest_tile.eq(pointer.ring_tile),
            refresh.newest_column.eq(pointer.column),
            refresh.fill.eq(pointer.fill),
            refresh.write_tile.eq(pointer.tile),
            pointer.advance.eq(refresh.advance),
            pointer.first.eq(refresh.first),
        ]
        return m


class RefreshBench:
    """Plays tokens, arrays and the owner of the digital copies; checks every output each cycle.

    ``log`` holds (event, slot): "ask", "refresh" and "clear" as they begin, "drop", and "stale"
    for a response that is not used.
    """

    def __init__(self, ctx, dut):
        self.ctx, self.dut, self.config = ctx, dut.refresh, dut.config
        self.timing, self.plan = dut.config.timing, dut.config.retention
        self.slots = self.config.stored_columns
        self.reset()

    def reset(self):
        self.cycle = 0
        self.log = []
        self.newest = -1
        self.held = {}
        """Slot to the segment its token belongs to."""
        self.started_in = None
        self.k_end = self.v_end = None
        self.token_launch = self.refresh_launch = -1000
        self.state = "over"
        self.tag = None
        self.written = []
        """Slot of a token accepted in the cycle before."""
        self.unsent = None
        self.unanswered = {}
        """Tag to slot of requests that were taken."""
        self.answers = []
        """Tags in the order in which they are offered."""
        self.refreshed = self.dropped = self.oldest = self.longest = 0
        self._ended = None
        self._filled = self._asking = self._seen_late = False
        self._v_before = 0

    @property
    def visit(self):
        """Slot under visit."""
        return self.cycle // self.plan.visit_cycles % self.slots

    @property
    def elapsed(self):
        return self.cycle % self.plan.visit_cycles

    @property
    def next_slot(self):
        """Where the next token of the sequence goes."""
        return slot_of(self.newest + 1, self.config)

    def count(self, event):
        return sum(name == event for name, _ in self.log)

    def may_accept(self):
        """A query at this cycle finds the arrays and the interval free, and no urgent visit."""
        since = self.cycle - self.refresh_launch
        free = self.cycle - self.token_launch >= self.config.interval_cycles
        return free and since >= self.timing.clear_cycles and not self._urgent()

    def may_launch(self):
        return self.cycle - self.token_launch >= self.timing.arrays_cycles

    def segment(self, cycle):
        return cycle // (self.plan.visit_cycles * self.plan.segment_visits)

    def answer(self, tag):
        """Offer the data of a request from now on, behind those offered before."""
        del self.unanswered[tag]
        self.answers.append(tag)

    def answer_all(self):
        for tag in list(self.unanswered):
            self.answer(tag)

    async def step(self, accept=False, first=False, launch=True, request_ready=True):
        """One cycle; ``accept`` and ``launch`` happen if they may, the latter always if urgent."""
        ctx, dut = self.ctx, self.dut
        accept = accept and self.may_accept()
        first = first or self.newest < 0
        ctx.set(dut.advance, int(accept))
        ctx.set(dut.first, int(first))
        ctx.set(dut.response_valid, int(bool(self.answers)))
        ctx.set(dut.response_tag, self.answers[0] if self.answers else 0)
        ctx.set(dut.request.ready, int(request_ready))
        if self.elapsed == 0:
            self.tag, self._filled = None, self.newest >= 0
        self._check_request(request_ready)
        wanted = self._check_visit()
        launch = wanted and not accept and self.may_launch() and (launch or self._urgent())
        ctx.set(dut.launch, int(launch))
        self._check_write()
        self._check_response()
        self._check_status()
        self._finish(accept, first, launch)
        await ctx.tick()
        self.cycle += 1

    async def steps(self, cycles, **how):
        for _ in range(cycles):
            await self.step(**how)

    async def until(self, slot, elapsed, **how):
        """Run to the next cycle with ``elapsed`` of a visit to ``slot``, at least one cycle."""
        await self.step(**how)
        while (self.visit, self.elapsed) != (slot, elapsed):
            await self.step(**how)

    def _urgent(self):
        return self.elapsed >= self.plan.patience_cycles and self._wanted()

    def _wanted(self):
        return self.state == "zero" or (self.state == "data" and self._arrived())

    def _gives_up(self):
        """Data are late; a token accepted in the cycle before has to be marked first."""
        late = self.state == "data" and self.elapsed >= self.plan.patience_cycles
        return late and not self._arrived() and not self.written

    def _young(self):
        now = self.segment(self.cycle)
        if now - self.started_in <= 1:
            return True
        in_ring = self.visit < self.config.window
        return self.visit in self.held and in_ring and now - self.held[self.visit] <= 1

    def _look(self):
        """What the visit is about, at the end of its second cycle."""
        if self.elapsed == 1 and self._filled and not self._young():
            self.state = "data" if self.visit in self.held else "zero"

    def _check_request(self, ready):
        ctx, request = self.ctx, self.dut.request
        if not ctx.get(request.valid):
            assert self.unsent is None, "a request vanished"
            return
        payload = request.payload
        shown = tuple(ctx.get(getattr(payload, name)) for name in ("tile", "column", "tag"))
        if self.unsent is None:
            assert shown[:2] == place_of(self.visit, self.config)
            assert shown[2] not in self.unanswered
            assert shown[2] not in self.answers
            assert self._asking, "a request that the visit did not need"
            assert self.tag is None, "a second request in one visit"
            self.unsent, self.tag = shown, shown[2]
            self.log.append(("ask", self.visit))
        assert shown == self.unsent
        if ready:
            self.unanswered[shown[2]] = shown[0] * self.config.columns + shown[1]
            self.unsent = None

    def _arrived(self):
        return bool(self.answers) and self.answers[0] == self.tag

    def _check_visit(self):
        ctx, dut = self.ctx, self.dut
        said = f"cycle {self.cycle}, {self.state}"
        assert (ctx.get(dut.tile), ctx.get(dut.column)) == place_of(self.visit, self.config)
        wanted = self._wanted()
        assert bool(ctx.get(dut.wanted)) == wanted, said
        assert bool(ctx.get(dut.urgent)) == self._urgent(), said
        if wanted:
            assert bool(ctx.get(dut.blank)) == (self.state == "zero"), said
        return wanted

    def _check_write(self):
        ctx, dut = self.ctx, self.dut
        age = self.cycle - self.refresh_launch
        last = self.timing.v_write.end
        assert ctx.get(dut.age) == (age if age <= last else 0)
        if self.state.startswith("write"):
            assert bool(ctx.get(dut.blank)) == (self.state == "write zero")

    def _check_response(self):
        """The data of this visit wait until the last cycle of their write, late ones a cycle."""
        offered = bool(self.answers)
        waiting = self.state == "data" and self.tag is not None
        seen_late, self._seen_late = self._seen_late, False
        if waiting and offered and not self._arrived():
            self._seen_late = not seen_late
        if not offered:
            return
        age = self.cycle - self.refresh_launch
        last_cycle = age == self.timing.v_write.end - 1
        used = self.state == "write data"
        waits = (waiting and not seen_late) or (used and not last_cycle)
        assert bool(self.ctx.get(self.dut.response_ready)) == (not waits), f"cycle {self.cycle}"
        if not waits:
            self.answers.pop(0)
            if not used:
                self.log.append(("stale", self.visit))

    def _check_status(self):
        ctx, status, plan = self.ctx, self.dut.status, self.plan
        if self._ended is not None:
            self.refreshed += self._ended == "write data"
            self._ended = None
        assert ctx.get(status.refreshed) == self.refreshed
        assert ctx.get(status.dropped) == self.dropped
        assert ctx.get(status.fill) == min(self.newest + 1, self.slots)
        worst = ctx.get(status.worst_age)
        assert self.oldest <= worst <= self.config.bound_cycles
        if self.longest:
            assert worst == plan.young_cycles + plan.sweep_cycles + self.longest
        else:
            assert worst == 0
        if self.newest >= 0:
            for end in (self.k_end, self.v_end):
                assert self.cycle - end.min() <= self.config.bound_cycles

    def _finish(self, accept, first, launch):
        """What happens at the end of this cycle."""
        timing, slot = self.timing, self.visit
        self._asking = self.state == "data" and self.tag is None
        self._look()
        if launch:
            self.log.append(("refresh" if self.state == "data" else "clear", slot))
            self.state = f"write {self.state}"
            self.refresh_launch = self.cycle
        elif self.state.startswith("write"):
            if self.cycle - self.refresh_launch == timing.v_write.end - 1:
                end = self.refresh_launch + timing.v_write.end
                # A token or a clear accepted since is written after this.
                self.oldest = max(self.oldest, end - min(end, self._v_before))
                self.longest = max(self.longest, self.elapsed + 1)
                self._ended, self.state = self.state, "over"
        elif self._gives_up():
            self.state = "zero"
            self.dropped += 1
            self.log.append(("drop", slot))
        if launch:
            self._v_before = int(self.v_end[slot])
            self.k_end[slot] = self.cycle + timing.k_write.end
            self.v_end[slot] = self.cycle + timing.v_write.end
        if self.written == [slot] and not self.state.startswith("write"):
            self.state = "over"
        self.written = []
        if accept:
            self._accept(first)
            if first and not self.state.startswith("write"):
                self.state = "over"

    def _accept(self, first):
        timing = self.timing
        launch = self.cycle
        if first:
            launch += timing.clear_cycles
            self.newest = -1
            self.held = {}
            self.started_in = self.segment(self.cycle + 1)
            self.k_end = np.full(self.slots, self.cycle + timing.k_write.end)
            self.v_end = np.full(self.slots, self.cycle + timing.v_write.end)
        self.newest += 1
        slot = slot_of(self.newest, self.config)
        self.held[slot] = self.segment(self.cycle + 1)
        self.k_end[slot] = launch + timing.k_write.end
        self.v_end[slot] = launch + timing.v_write.end
        self.token_launch = launch
        self.written.append(slot)


async def fill_and_age(bench, tokens):
    """A sequence of ``tokens``, all of them kept until none is young, to the end of a visit."""
    while bench.newest + 1 < tokens:
        bench.answer_all()
        await bench.step(accept=True)
    start = bench.segment(bench.cycle) + 2
    while bench.segment(bench.cycle) < start or bench.elapsed:
        bench.answer_all()
        await bench.step()
    assert len(bench.held) == min(tokens, bench.slots)
    bench.log.clear()


@pytest.mark.parametrize("profile", rest_slow(["restless", "idle", "steady", "full rate"], 2))
@pytest.mark.parametrize("geometry", rest_slow(GEOMETRIES, 3))
def test_no_column_outlives_the_bound_whatever_happens(geometry, profile, simulate, rng):
    config = refreshing_config(geometry, slack=int(rng.integers(6, 12)), spare=3)
    dut = RefreshedRing(config)
    share, first_share, launch_share = {
        "idle": (0.003, 0, 1.0),
        "steady": (0.04, 0.01, 0.5),
        "full rate": (1.0, 0.003, 0.0),
        "restless": (0.15, 0.1, 0.3),
    }[profile]

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        due = {}
        port_share = 1.0
        for cycle in range(600 + 2 * config.retention.sweep_cycles):
            if cycle % 200 == 0:
                port_share = rng.choice([1.0, 1.0, 0.1])
            for tag in bench.unanswered:
                due.setdefault(tag, cycle + int(rng.choice([0, 1, 2, 4, 6, 9, 14, 40])))
            ready = [tag for tag in bench.unanswered if due[tag] <= cycle]
            if ready:
                tag = int(rng.choice(ready))
                del due[tag]
                bench.answer(tag)
            await bench.step(
                accept=bool(rng.random() < (share if cycle > 20 else 0.5)),
                first=bool(rng.random() < first_share),
                launch=bool(rng.random() < launch_share),
                request_ready=bool(rng.random() < port_share),
            )
        if profile == "idle":
            assert min(bench.refreshed, bench.dropped, bench.count("stale")) > 0
            assert bench.count("clear") > bench.dropped or config.window < 4

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", [(5, 5, 5), (6, 3, 2), (15, 5, 4)])
def test_refreshes_every_column_with_its_data_when_they_come_in_time(geometry, simulate):
    config = refreshing_config(geometry, slack=4)
    dut = RefreshedRing(config)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, slots)
        for _ in range(config.retention.sweep_cycles):
            bench.answer_all()
            await bench.step()
        slots_in_turn = [slot for event, slot in bench.log if event == "refresh"]
        assert sorted(slots_in_turn) == list(range(slots))
        assert bench.count("ask") == bench.count("refresh") == slots
        assert len(bench.log) == 2 * slots

    simulate(dut, testbench)


def test_takes_the_response_in_the_last_cycle_of_its_write(simulate):
    config = refreshing_config((6, 3, 2), slack=9)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 8)
        while not bench.unanswered:
            await bench.step()
        (tag,) = bench.unanswered
        bench.answer(tag)
        await bench.steps(3, launch=False)
        assert ctx.get(dut.refresh.wanted)
        assert not ctx.get(dut.refresh.response_ready)
        launched, refreshed = bench.cycle, bench.refreshed
        taken = []
        for _ in range(config.timing.v_write.end + 3):
            before = len(bench.answers)
            await bench.step()
            if len(bench.answers) < before:
                taken.append(bench.cycle - 1 - launched)
        assert taken == [config.timing.v_write.end - 1]
        assert bench.refreshed == refreshed + 1

    simulate(dut, testbench)


@pytest.mark.parametrize("late_by", [0, 1, 5])
def test_drops_and_clears_a_column_whose_data_are_late(late_by, simulate):
    """In the cycle in which patience is given up data are still in time."""
    config = refreshing_config((6, 3, 2), slack=9)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 8)
        while not bench.unanswered:
            await bench.step()
        (tag,), slot = bench.unanswered, bench.visit
        await bench.until(slot, config.retention.patience_cycles + late_by)
        bench.answer(tag)
        await bench.until((slot + 1) % 8, 0)
        events = [event for event, _ in bench.log]
        if late_by == 0:
            assert events == ["ask", "refresh"]
        else:
            assert sorted(events) == ["ask", "clear", "drop", "stale"]
        bench.log.clear()
        while (bench.visit, bench.elapsed) != (slot, config.retention.visit_cycles - 1):
            bench.answer_all()
            await bench.step()
        here = [event for event, where in bench.log if where == slot]
        # A dropped column is asked for again.
        assert here == ["ask", "refresh"]
        assert bench.dropped == (late_by > 0)

    simulate(dut, testbench)


def test_gives_up_when_requests_cannot_be_sent(simulate):
    config = refreshing_config((4, 4, 0), slack=3)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 4)
        await bench.steps(config.retention.sweep_cycles, request_ready=False)
        assert bench.dropped == 4
        assert bench.count("ask") == 1
        (tag,) = [bench.unsent[2]]
        await bench.step()
        bench.answer(tag)
        await bench.step()
        assert bench.count("stale") == 1

    simulate(dut, testbench)


def test_gives_up_when_all_tags_are_out(simulate):
    config = refreshing_config((15, 5, 0), slack=3)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 15)
        await bench.steps(config.retention.sweep_cycles)
        assert len(bench.unanswered) == 4
        assert bench.count("ask") == 4
        assert bench.dropped == 15
        await bench.until(0, 0)
        bench.answer_all()
        await bench.steps(8)
        assert bench.count("stale") == 4

    simulate(dut, testbench)


@pytest.mark.parametrize("elapsed", rest_slow(range(15), 6))
def test_ends_the_visit_of_a_column_that_is_overwritten(elapsed, simulate):
    config = refreshing_config((4, 4, 0), slack=12)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 7)
        slot = bench.next_slot
        await bench.until(slot, elapsed)
        assert bench.may_accept()
        await bench.step(accept=True)
        assert bench.newest == 7
        await bench.until((slot + 1) % 4, 0)
        here = [event for event, where in bench.log if where == slot]
        assert here in (["ask"], [])
        assert slot in bench.held

    simulate(dut, testbench)


@pytest.mark.parametrize("elapsed", rest_slow(range(15), 6))
def test_ends_the_visit_when_a_sequence_starts(elapsed, simulate):
    config = refreshing_config((4, 4, 0), slack=12)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 7)
        await bench.until(1, elapsed)
        bench.log.clear()
        await bench.step(accept=True, first=True)
        assert bench.newest == 0
        await bench.until(2, 0)
        assert "refresh" not in dict(bench.log)
        assert "clear" not in dict(bench.log)
        await bench.steps(2 * config.retention.sweep_cycles)
        assert {slot for event, slot in bench.log if event == "clear"} == {0, 1, 2, 3}
        assert {slot for event, slot in bench.log if event == "drop"} == {0}

    simulate(dut, testbench)


@pytest.mark.parametrize("first", [False, True])
def test_a_token_accepted_as_its_column_is_given_up_stays(first, simulate):
    config = refreshing_config((4, 4, 0), slack=12)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 8)
        await bench.until(bench.next_slot, config.retention.patience_cycles)
        bench.log.clear()
        slot = bench.visit
        await bench.step(accept=True, first=first)
        await bench.until(slot + 1, 0)
        assert bench.log == [("drop", slot)]
        assert slot in bench.held

    simulate(dut, testbench)


@pytest.mark.parametrize("early", range(-3, 4))
@pytest.mark.parametrize("geometry", rest_slow([(4, 4, 0), (1, 1, 0), (6, 3, 2)]))
def test_keeps_a_token_written_around_the_begin_of_a_visit(geometry, early, simulate):
    """Where the column was dropped before: its token is the newest and must not be cleared."""
    config = refreshing_config(geometry, slack=3)
    dut = RefreshedRing(config)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, slots)
        await bench.steps(2 * config.retention.sweep_cycles)
        slot = bench.next_slot
        assert ("drop", slot) in bench.log
        at = (slot * config.retention.visit_cycles - early) % config.retention.sweep_cycles
        visit, elapsed = divmod(at, config.retention.visit_cycles)
        await bench.until(visit, elapsed, launch=False)
        bench.answer_all()
        tokens = bench.newest
        await bench.step(accept=True)
        assert bench.newest == tokens + 1
        bench.log.clear()
        await bench.until(slot, config.retention.visit_cycles - 1)
        assert ("clear", slot) not in bench.log
        assert slot in bench.held

    simulate(dut, testbench)


def test_clears_columns_that_were_never_written(simulate):
    config = refreshing_config((15, 5, 4), slack=4)
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await fill_and_age(bench, 2)
        for _ in range(config.retention.sweep_cycles):
            bench.answer_all()
            await bench.step()
        cleared = [slot for event, slot in bench.log if event == "clear"]
        assert sorted(cleared) == [*range(15), 17, 18]
        assert [slot for event, slot in bench.log if event == "refresh"] == [15, 16]
        assert bench.dropped == 0

    simulate(dut, testbench)


def test_does_nothing_before_the_first_sequence(simulate):
    config = refreshing_config((6, 3, 2))
    dut = RefreshedRing(config)

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        await bench.steps(2 * config.retention.sweep_cycles)
        assert bench.log == []

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", [(3, 1, 1), (6, 3, 2)])
def test_reset_starts_over(geometry, simulate, rng):
    config = refreshing_config(geometry, slack=5)
    dut = RefreshedRing(config)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        bench = RefreshBench(ctx, dut)
        for _ in range(6):
            await fill_and_age(bench, slots)
            for _ in range(int(rng.integers(1, 3 * config.retention.visit_cycles))):
                if bench.unanswered and rng.random() < 0.5:
                    bench.answer(next(iter(bench.unanswered)))
                await bench.step(accept=bool(rng.random() < 0.1))
            ctx.set(reset, 1)
            await bench.step()
            ctx.set(reset, 0)
            bench.reset()
            await bench.steps(int(rng.integers(1, 20)))

    simulate(dut, testbench)
