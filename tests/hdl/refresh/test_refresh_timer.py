"""Visits counted out by hand: every column once per sweep, each as long as the other."""

import pytest
from refreshing import GEOMETRIES, place_of, refreshing_config

from gaincell.hdl.refresh.refresh_timer import RefreshTimer


def expected(cycle, config):
    """All outputs in the ``cycle``-th cycle after reset."""
    plan = config.retention
    visit, elapsed = divmod(cycle, plan.visit_cycles)
    return {
        "elapsed": elapsed,
        "late": elapsed >= plan.patience_cycles,
        "segment_ends": (cycle + 1) % (plan.segment_visits * plan.visit_cycles) == 0,
        "place": place_of(visit % (config.stored_columns), config),
    }


def outputs(ctx, dut):
    names = ("elapsed", "late", "segment_ends")
    place = (ctx.get(dut.tile), ctx.get(dut.column))
    return {name: ctx.get(getattr(dut, name)) for name in names} | {"place": place}


@pytest.mark.parametrize("slack", [0, 1, 12])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_visits_every_column_once_per_sweep(geometry, slack, simulate):
    config = refreshing_config(geometry, slack, spare=slack)
    dut = RefreshTimer(config, config.retention)

    async def testbench(ctx, reset):
        seen = []
        for cycle in range(2 * config.retention.sweep_cycles + 3):
            now = outputs(ctx, dut)
            assert now == expected(cycle, config), f"cycle {cycle}"
            if now["elapsed"] == 0:
                seen.append(now["place"])
            await ctx.tick()
        slots = config.stored_columns
        assert seen[:slots] == [place_of(slot, config) for slot in range(slots)]
        assert seen[slots : 2 * slots] == seen[:slots]

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_starts_over_at_reset(geometry, simulate, rng):
    config = refreshing_config(geometry)
    dut = RefreshTimer(config, config.retention)
    visit = config.retention.visit_cycles

    async def testbench(ctx, reset):
        late_in_a_visit = config.retention.patience_cycles + 1
        for cycles in (*rng.integers(1, 6 * visit, 3).tolist(), late_in_a_visit, visit - 1):
            for _ in range(cycles):
                await ctx.tick()
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            for cycle in range(visit + 2):
                assert outputs(ctx, dut) == expected(cycle, config), f"{cycle} after reset"
                await ctx.tick()

    simulate(dut, testbench)
