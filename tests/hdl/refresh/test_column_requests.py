"""Requests under back-pressure, answered in any order, and the tags that tell them apart."""

import pytest
from refreshing import place_of, refreshing_config

from gaincell.hdl.layouts import TAGS
from gaincell.hdl.refresh.column_requests import ColumnRequests

GEOMETRIES = [(1, 1, 0), (3, 1, 1), (15, 5, 4)]


class Answering:
    """Asks, takes and answers; checks every request as it goes by."""

    def __init__(self, ctx, dut, config):
        self._ctx, self._dut, self._config = ctx, dut, config
        self.asked = []
        """(place, tag) taken over and not yet sent."""
        self.sent = []
        """Tags to be answered."""
        self.count = 0
        self._stalled = None

    def forget(self):
        self.asked, self.sent, self._stalled = [], [], None

    async def cycle(self, ask=None, ready=False, answer=None):
        """One cycle; ``ask`` is a slot. Whether its request was taken over."""
        ctx, dut = self._ctx, self._dut
        ctx.set(dut.ask, int(ask is not None))
        place = place_of(0 if ask is None else ask, self._config)
        ctx.set(dut.tile, place[0])
        ctx.set(dut.column, place[1])
        ctx.set(dut.request.ready, int(ready))
        ctx.set(dut.answered, int(answer is not None))
        ctx.set(dut.answered_tag, 0 if answer is None else answer)

        valid = bool(ctx.get(dut.request.valid))
        payload = dut.request.payload
        shown = tuple(ctx.get(getattr(payload, name)) for name in ("tile", "column", "tag"))
        assert valid == bool(self.asked)
        if self._stalled is not None:
            assert shown == self._stalled, "a request changed while it waited"
        if valid:
            assert (shown[:2], shown[2]) == self.asked[0]
        self._stalled = shown if valid and not ready else None
        if valid and ready:
            self.sent.append(self.asked.pop(0)[1])

        asked = bool(ctx.get(dut.asked))
        assert not asked or ask is not None
        unanswered = {tag for _, tag in self.asked} | set(self.sent)
        if ask is not None and not unanswered and answer is None:
            assert asked, "nothing is unanswered, but no request goes out"
        if answer is not None:
            self.sent.remove(answer)
        await ctx.tick()
        if asked:
            tag = ctx.get(dut.tag)
            assert tag not in unanswered
            self.asked.append((place, tag))
            assert len(self.asked) <= 1
            self.count += 1
        return asked


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("ready", [0.1, 0.6, 1.0])
def test_every_request_bears_a_tag_that_is_free(geometry, ready, simulate, rng):
    config = refreshing_config(geometry)
    dut = ColumnRequests(config)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        bench = Answering(ctx, dut, config)
        most = 0
        for cycle in range(600):
            eager = rng.random() < (0.3 if cycle < 300 else 0.02)
            answer = int(rng.choice(bench.sent)) if bench.sent and eager else None
            ask = int(rng.integers(slots)) if rng.random() < 0.7 else None
            await bench.cycle(ask, rng.random() < ready, answer)
            most = max(most, len(bench.sent))
        assert bench.count > 20
        assert most == TAGS or ready < 0.5

    simulate(dut, testbench)


def test_sends_one_request_a_cycle_until_all_tags_are_out(simulate):
    config = refreshing_config((15, 5, 4))
    dut = ColumnRequests(config)

    async def testbench(ctx, reset):
        bench = Answering(ctx, dut, config)
        taken = [await bench.cycle(slot, ready=True) for slot in range(TAGS + 5)]
        assert taken == [True] * TAGS + [False] * 5
        assert sorted(bench.sent) == list(range(TAGS))
        oldest = bench.sent[0]
        await bench.cycle(7, ready=True, answer=oldest)
        taken = [await bench.cycle(7, ready=True) for _ in range(4)]
        assert taken == [True, False, False, False]
        assert bench.sent[-1] == oldest

    simulate(dut, testbench)


def test_holds_payload_while_stalled(simulate):
    config = refreshing_config((15, 5, 4))
    dut = ColumnRequests(config)

    async def testbench(ctx, reset):
        bench = Answering(ctx, dut, config)
        assert await bench.cycle(3)
        for slot in range(12):
            assert not await bench.cycle(slot)
        assert await bench.cycle(17, ready=True)
        assert not await bench.cycle(2)
        assert bench.asked == [(place_of(17, config), 1)]

    simulate(dut, testbench)


@pytest.mark.parametrize("out", range(TAGS + 1))
def test_reset_forgets_requests_and_frees_all_tags(out, simulate):
    config = refreshing_config((15, 5, 4))
    dut = ColumnRequests(config)

    async def testbench(ctx, reset):
        bench = Answering(ctx, dut, config)
        for slot in range(out):
            await bench.cycle(slot, ready=slot != TAGS - 1)
        ctx.set(reset, 1)
        await bench.cycle()
        ctx.set(reset, 0)
        bench.forget()
        taken = [await bench.cycle(slot, ready=True) for slot in range(TAGS + 1)]
        assert taken == [True] * TAGS + [False]

    simulate(dut, testbench)
