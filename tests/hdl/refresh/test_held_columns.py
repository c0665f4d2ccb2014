"""Which columns hold a token, against a set of slots."""

import pytest
from refreshing import GEOMETRIES, place_of, refreshing_config, slot_of

from gaincell.hdl.refresh.held_columns import HeldColumns


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_follows_the_ring_through_laps_and_sequences(geometry, simulate):
    """Every column is asked for behind every token of a sequence."""
    config = refreshing_config(geometry)
    dut = HeldColumns(config)
    slots = config.stored_columns

    async def testbench(ctx, reset):
        for tokens in (2 * config.window + config.sink + 1, min(config.sink + 2, slots)):
            held = set()
            for newest in range(tokens):
                held.add(slot_of(newest, config))
                tile, column = place_of(newest % config.window, config)
                ctx.set(dut.newest_tile, tile)
                ctx.set(dut.newest_column, column)
                ctx.set(dut.fill, min(newest + 1, slots))
                for slot in range(slots):
                    tile, column = place_of(slot, config)
                    ctx.set(dut.tile, tile)
                    ctx.set(dut.column, column)
                    assert bool(ctx.get(dut.holds)) == (slot in held), f"slot {slot}"
                await ctx.tick()
            assert len(held) == min(tokens, slots)

    simulate(dut, testbench)
