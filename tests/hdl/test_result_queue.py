import pytest
from grids import rest_slow

from gaincell.config import HeadConfig
from gaincell.hdl.result_queue import ResultQueue

TINY = {"head_dim": 3, "window": 1, "columns": 1, "readout_bits": 1}
CONFIGS = {
    1: HeadConfig(schedule="sequential", **TINY),
    2: HeadConfig(schedule="overlapped", **TINY),
    3: HeadConfig(schedule="paired", query_bits=2, write_cycles=1, **TINY),
    4: HeadConfig(
        schedule="paired", query_bits=1, write_cycles=1, reset_cycles=1, sync_stages=2, **TINY
    ),
}
"""By number of result places."""


class Bench:
    """Drives a queue, one ``cycle`` at a time, and checks it against a list of results."""

    def __init__(self, ctx, dut, places):
        self._ctx = ctx
        self._dut = dut
        self._registers = places - 1
        self.waiting = []
        """Results that are done and not yet taken, oldest first."""

    async def cycle(self, *, done, ready, total):
        """``total`` is driven unless the one before still waits in the readout."""
        ctx, dut = self._ctx, self._dut
        if len(self.waiting) <= self._registers:
            ctx.set(dut.total, total)
        assert not (done and len(self.waiting) > self._registers)
        available = list(self.waiting)
        if done:
            self.waiting.append(total)
            if not self._registers:
                available.append(total)
        ctx.set(dut.done, int(done))
        for ready_now in (not ready, ready):
            ctx.set(dut.result.ready, int(ready_now))
            assert ctx.get(dut.result.valid) == bool(available)
            if available:
                assert ctx.get(dut.result.payload) == available[0]
        if available and ready:
            self.waiting.pop(0)
        await ctx.tick()


@pytest.mark.parametrize("places", CONFIGS)
def test_has_the_places_of_the_schedule(places):
    assert CONFIGS[places].timing.result_places == places


@pytest.mark.parametrize("ready_share", rest_slow([0.5, 0.1, 0.9, 1.0], 2))
@pytest.mark.parametrize("done_share", [0.1, 0.6, 1.0])
@pytest.mark.parametrize("places", CONFIGS)
def test_keeps_every_result_in_order(places, done_share, ready_share, simulate, rng):
    dut = ResultQueue(width=6, places=places)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut, places)
        for _ in range(400):
            reserved = len(bench.waiting) < places
            await bench.cycle(
                done=reserved and rng.random() < done_share,
                ready=rng.random() < ready_share,
                total=int(rng.integers(1 << len(dut.total))),
            )

    simulate(dut, testbench)


@pytest.mark.parametrize("places", CONFIGS)
def test_holds_every_place_while_stalled(places, simulate):
    dut = ResultQueue(width=6, places=places)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut, places)
        for lap in range(3):
            for place in range(places):
                await bench.cycle(done=True, ready=False, total=10 * lap + place + 1)
                for _ in range(4):
                    await bench.cycle(done=False, ready=False, total=63)
            for _ in range(places):
                await bench.cycle(done=False, ready=True, total=63)
            assert not bench.waiting

    simulate(dut, testbench)


@pytest.mark.parametrize("places", CONFIGS)
def test_takes_a_result_in_the_cycle_in_which_one_is_taken(places, simulate):
    dut = ResultQueue(width=6, places=places)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut, places)
        for filled in range(places - 1):
            await bench.cycle(done=True, ready=False, total=filled + 1)
        for total in range(20, 30):
            await bench.cycle(done=True, ready=True, total=total)
        assert len(bench.waiting) == places - 1

    simulate(dut, testbench)


@pytest.mark.parametrize("places", CONFIGS)
def test_reset_empties_every_place(places, simulate):
    dut = ResultQueue(width=6, places=places)

    async def testbench(ctx, reset):
        for filled in range(1, places + 1):
            bench = Bench(ctx, dut, places)
            for total in range(filled):
                await bench.cycle(done=True, ready=False, total=total + 1)
            ctx.set(reset, 1)
            ctx.set(dut.done, 0)
            await ctx.tick()
            ctx.set(reset, 0)
            bench = Bench(ctx, dut, places)
            for _ in range(places + 1):
                await bench.cycle(done=False, ready=True, total=63)
            await bench.cycle(done=True, ready=False, total=42)
            await bench.cycle(done=False, ready=True, total=0)
            if places > 1:
                assert not bench.waiting

    simulate(dut, testbench)
