"""Which columns hold a token, against a set of slots."""

import pytest
from refreshing import GEOMETRIES, place_of, refreshing_config, slot_of

from gaincell.hdl.refresh.held_columns import HeldColumns


class Driven:
    """A component with the ring of a sequence driven from outside, and the set of held slots.

    Without any token the answer means nothing.
    """

    def __init__(self, config, rng):
        self.config = config
        self.dut = HeldColumns(config)
        self._rng = rng
        self.newest = -1
        self.held = set()
        self.written = None

    async def power_up(self, ctx):
        """Silicon starts with any bits in the memory, as if any columns had been dropped."""
        for slot in range(self.config.stored_columns):
            if self._rng.random() < 0.5:
                await self.cycle(ctx, slot, drop=True, check=False)

    def accept(self, first):
        """A token is accepted; its place shows from the next cycle on."""
        if first or self.newest < 0:
            self.newest = -1
            self.held.clear()
        self.newest += 1
        self.written = slot_of(self.newest, self.config)
        self.held.add(self.written)

    async def cycle(self, ctx, asked, *, drop=False, check=True, accept=False, first=False):
        """One cycle in which ``asked`` is asked for; at its end a token may be accepted."""
        dut, config = self.dut, self.config
        tile, column = place_of(max(self.newest, 0) % config.window, config)
        ctx.set(dut.newest_tile, tile)
        ctx.set(dut.newest_column, column)
        ctx.set(dut.fill, min(self.newest + 1, config.stored_columns))
        ctx.set(dut.written, int(self.written is not None))
        if self.written is not None:
            ctx.set(dut.write_tile, place_of(self.written, config)[0])
        self.written = None
        tile, column = place_of(asked, config)
        ctx.set(dut.tile, tile)
        ctx.set(dut.column, column)
        ctx.set(dut.drop, int(drop))
        if check and self.newest >= 0:
            assert bool(ctx.get(dut.holds)) == (asked in self.held), f"slot {asked}"
        if drop:
            self.held.discard(asked)
        if accept:
            self.accept(first)
        await ctx.tick()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_holds_what_was_written_and_not_dropped(geometry, simulate, rng):
    config = refreshing_config(geometry)
    driven = Driven(config, rng)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        await driven.power_up(ctx)
        drops = found = missing = 0
        for _ in range(150):
            asked = int(rng.integers(slots))
            token_now, token_then = rng.random(2) < 0.4
            first = rng.random() < 0.3 / slots
            # The first cycle of a visit shows nothing yet.
            await driven.cycle(ctx, asked, check=False)
            if asked in driven.held:
                found += 1
            else:
                missing += 1
            drop = asked in driven.held and rng.random() < 0.3
            drops += drop
            await driven.cycle(ctx, asked, drop=drop, accept=bool(token_now), first=bool(first))
            await driven.cycle(ctx, int(rng.integers(slots)), check=False)
            if token_then:
                await driven.cycle(ctx, asked, check=False, accept=True)
                await driven.cycle(ctx, int(rng.integers(slots)), check=False)
        assert min(found, missing, drops) > 10 or slots < 3

    simulate(driven.dut, testbench)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_follows_the_ring_through_laps_and_sequences(geometry, simulate, rng):
    config = refreshing_config(geometry)
    driven = Driven(config, rng)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        await driven.power_up(ctx)
        for tokens in (2 * config.window + config.sink + 1, min(config.sink + 2, slots)):
            for token in range(tokens):
                await driven.cycle(ctx, 0, check=False, accept=True, first=token == 0)
                await driven.cycle(ctx, 0, check=False)
                for slot in rng.choice(slots, min(slots, 5), replace=False).tolist():
                    await driven.cycle(ctx, slot, check=False)
                    await driven.cycle(ctx, slot)

    simulate(driven.dut, testbench)


def test_a_column_dropped_is_empty_until_written_again(simulate, rng):
    config = refreshing_config((6, 3, 2))
    driven = Driven(config, rng)

    async def testbench(ctx, reset):
        for _ in range(11):
            await driven.cycle(ctx, 0, check=False, accept=True)
        await driven.cycle(ctx, 5, check=False)
        await driven.cycle(ctx, 5, drop=True)
        while driven.newest % config.window != 5:
            for slot in (5, 4):
                await driven.cycle(ctx, slot, check=False)
                await driven.cycle(ctx, slot)
            assert 5 not in driven.held
            await driven.cycle(ctx, 5, accept=True, check=False)
        for _ in range(3):
            await driven.cycle(ctx, 5, check=False)
        await driven.cycle(ctx, 5)
        assert 5 in driven.held

    simulate(driven.dut, testbench)
