import numpy as np
import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.query_pulses import QueryPulses


def query_pulses(query_bits: int, step_cycles: int, dims: int) -> QueryPulses:
    return QueryPulses(
        HeadConfig(
            head_dim=dims, window=1, columns=1, query_bits=query_bits, step_cycles=step_cycles
        )
    )


def expected(codes: np.ndarray, cycle: int, step_cycles: int) -> int:
    """Pulse wires ``cycle`` cycles after the cycle behind the start."""
    high = codes * step_cycles > cycle
    return sum(int(bit) << place for place, bit in enumerate(high))


def drive(ctx, dut, codes):
    ctx.set(dut.code, codes.tolist())


@pytest.mark.parametrize("step_cycles", [1, 2, 3])
@pytest.mark.parametrize("query_bits", [1, 2, 3, 4, 5])
def test_every_code_lasts_its_steps_and_starts_with_the_others(query_bits, step_cycles, simulate):
    codes = np.arange(1 << query_bits)
    dut = query_pulses(query_bits, step_cycles, codes.size)

    async def testbench(ctx, reset):
        drive(ctx, dut, codes)
        for _ in range(2):
            ctx.set(dut.start, 1)
            assert ctx.get(dut.pulse) == 0
            await ctx.tick()
            ctx.set(dut.start, 0)
            for cycle in range(codes.max() * step_cycles + 3):
                assert ctx.get(dut.pulse) == expected(codes, cycle, step_cycles)
                await ctx.tick()

    simulate(dut, testbench)


def test_longest_codes_have_the_longest_pulses(simulate):
    codes = np.array([255, 254, 128, 127, 1, 0])
    dut = query_pulses(8, 1, codes.size)
    width = np.zeros(codes.size, dtype=int)

    async def testbench(ctx, reset):
        drive(ctx, dut, codes)
        ctx.set(dut.start, 1)
        for _ in range(260):
            await ctx.tick()
            ctx.set(dut.start, 0)
            width[:] += ctx.get(dut.pulse) >> np.arange(codes.size) & 1

    simulate(dut, testbench)
    assert width.tolist() == codes.tolist()


@pytest.mark.parametrize("gap", [0, 1, 2, 5])
@pytest.mark.parametrize(("query_bits", "step_cycles"), [(1, 1), (1, 3), (2, 2), (3, 1), (4, 1)])
def test_codes_are_free_once_the_longest_pulse_is_over(query_bits, step_cycles, gap, simulate, rng):
    dims = 5
    dut = query_pulses(query_bits, step_cycles, dims)
    largest = (1 << query_bits) - 1
    longest = largest * step_cycles

    async def testbench(ctx, reset):
        for _ in range(6):
            codes = rng.integers(0, largest + 1, dims)
            drive(ctx, dut, codes)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for cycle in range(longest):
                assert ctx.get(dut.pulse) == expected(codes, cycle, step_cycles)
                await ctx.tick()
            for _ in range(gap):
                drive(ctx, dut, rng.integers(0, largest + 1, dims))
                assert ctx.get(dut.pulse) == 0
                await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize("cycles", [0, 1, 4, 5, 11, 14, 15])
def test_reset_ends_pulses_and_the_next_are_whole(cycles, simulate):
    codes = np.array([5, 0, 3, 7])
    dut = query_pulses(3, 2, codes.size)

    async def testbench(ctx, reset):
        drive(ctx, dut, codes)
        ctx.set(dut.start, 1)
        for _ in range(cycles):
            await ctx.tick()
            ctx.set(dut.start, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(dut.start, 0)
        for _ in range(3):
            assert ctx.get(dut.pulse) == 0
            await ctx.tick()
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for cycle in range(18):
            assert ctx.get(dut.pulse) == expected(codes, cycle, 2)
            await ctx.tick()

    simulate(dut, testbench)
