"""Claims of youth against time stamps of every write."""

import pytest
from grids import rest_slow
from refreshing import GEOMETRIES, place_of, refreshing_config, slot_of

from gaincell.hdl.refresh.young_columns import YoungColumns


class Stamps:
    """When each column was written, in cycles and in segments, of one sequence."""

    def __init__(self, config):
        self._config = config
        self.newest = -1
        self.written = {}
        self.started = None

    def token(self, first, stamp):
        """A token is accepted; ``stamp`` is (cycle, segment)."""
        if first:
            self.newest, self.written, self.started = -1, {}, stamp
        self.newest += 1
        self.written[slot_of(self.newest, self._config)] = stamp

    def ring_place(self):
        return place_of(max(self.newest, 0) % self._config.window, self._config)


async def check_claims(ctx, dut, config, stamps, cycle, segment, length, slots):
    """Ask for each of ``slots`` in this cycle."""
    for slot in slots:
        tile, column = place_of(slot, config)
        ctx.set(dut.tile, tile)
        ctx.set(dut.column, column)
        said = f"slot {slot}, cycle {cycle}"
        young, cleared = bool(ctx.get(dut.young)), bool(ctx.get(dut.cleared))
        just_started = stamps.started is not None and segment - stamps.started[1] <= 1
        assert cleared == just_started, said
        if slot not in stamps.written:
            continue
        written, its_segment = stamps.written[slot]
        if young:
            assert cycle - min(written, stamps.started[0] if cleared else written) <= 2 * length
        if slot >= config.window:
            assert young == just_started, said
        else:
            assert young == (segment - its_segment <= 1), said
            if cycle - written <= length:
                assert young, said


@pytest.mark.parametrize("share", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("geometry", rest_slow(GEOMETRIES, 5))
def test_young_are_the_columns_of_this_segment_and_the_one_before(geometry, share, simulate, rng):
    config = refreshing_config(geometry)
    slots = config.stored_columns
    dut = YoungColumns(config)
    length = int(rng.integers(5, 3 * slots + 6))
    cycles = 400
    advance = rng.random(cycles) < share
    first = rng.random(cycles) < min(0.2, 0.02 / share)
    # The cycle alignment that is easiest to get wrong: tokens around the end of a segment.
    advance[length - 1 :: length] |= rng.random(len(advance[length - 1 :: length])) < 0.5
    advance[length::length] |= rng.random(len(advance[length::length])) < 0.5

    async def testbench(ctx, reset):
        stamps = Stamps(config)
        for cycle in range(cycles):
            segment_ends = cycle % length == length - 1
            starts = bool(first[cycle]) or stamps.newest < 0
            ctx.set(dut.advance, int(advance[cycle]))
            ctx.set(dut.first, int(starts))
            ctx.set(dut.segment_ends, int(segment_ends))
            tile, column = stamps.ring_place()
            ctx.set(dut.newest_tile, tile)
            ctx.set(dut.newest_column, column)
            asked = rng.choice(slots, min(slots, 6), replace=False).tolist()
            await check_claims(ctx, dut, config, stamps, cycle, cycle // length, length, asked)
            if advance[cycle]:
                # A token in the last cycle of a segment belongs to the next.
                stamps.token(starts, (cycle, (cycle + 1) // length))
            await ctx.tick()
        assert stamps.newest >= 0

    simulate(dut, testbench)


def test_more_tokens_than_columns_in_a_segment_leave_all_young(simulate):
    config = refreshing_config((6, 3, 2))
    dut = YoungColumns(config)

    async def testbench(ctx, reset):
        stamps = Stamps(config)
        for cycle in range(3 * 40):
            tile, column = stamps.ring_place()
            ctx.set(dut.newest_tile, tile)
            ctx.set(dut.newest_column, column)
            ctx.set(dut.advance, int(cycle < 60))
            ctx.set(dut.first, int(cycle == 0))
            ctx.set(dut.segment_ends, int(cycle % 40 == 39))
            await check_claims(ctx, dut, config, stamps, cycle, cycle // 40, 40, range(8))
            if cycle < 60:
                stamps.token(cycle == 0, (cycle, (cycle + 1) // 40))
            await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", [(1, 1, 0), (6, 3, 2), (16, 4, 0)])
def test_nothing_is_young_after_reset(geometry, simulate):
    config = refreshing_config(geometry)
    dut = YoungColumns(config)

    async def testbench(ctx, reset):
        for segment_ends in (0, 1):
            for _ in range(3):
                ctx.set(dut.advance, 1)
                ctx.set(dut.first, 1)
                ctx.set(dut.segment_ends, segment_ends)
                await ctx.tick()
                ctx.set(dut.first, 0)
                await ctx.tick()
            assert ctx.get(dut.cleared)
            ctx.set(dut.advance, 0)
            ctx.set(dut.segment_ends, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            for slot in range(config.window):
                tile, column = place_of(slot, config)
                ctx.set(dut.tile, tile)
                ctx.set(dut.column, column)
                assert not ctx.get(dut.cleared)
                assert not ctx.get(dut.young)

    simulate(dut, testbench)
