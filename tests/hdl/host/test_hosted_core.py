"""A host port in Amaranth's simulator, its core a submodule: one query, and a reset by software."""

import pytest
from netlists import Netlist

from gaincell.config import HeadConfig
from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.hosted_core import HostedCore
from gaincell.hdl.host.register_map import REGISTERS

SMALL = HeadConfig(head_dim=2, window=4, columns=2, write_cycles=1, reset_cycles=1, query_bits=2)
CORE = CoreConfig(head=SMALL, heads=2, token_beat_bits=16, result_beat_bits=8)
OFFSETS = {register.name: register.offset for register in REGISTERS}
ENABLE, START, RESET = 1, 2, 4


@pytest.mark.parametrize("heads", [1, 2])
def test_a_submodule_answers_a_query_and_forgets_it_by_reset(heads, simulate):
    dut = HostedCore(CoreConfig(head=SMALL, heads=heads, token_beat_bits=16, result_beat_bits=8))
    lite, token, result = dut.s_axil, dut.s_axis_token, dut.m_axis_result
    beats = -(-dut.core.token_bits // 16)

    async def write(ctx, name, value):
        ctx.set(lite.awaddr, OFFSETS[name])
        ctx.set(lite.wdata, value)
        ctx.set(lite.wstrb, 0xF)
        ctx.set(lite.bready, 1)
        for wire in (lite.awvalid, lite.wvalid):
            ctx.set(wire, 1)
        await ctx.tick()
        for wire in (lite.awvalid, lite.wvalid):
            ctx.set(wire, 0)
        await ctx.tick().until(lite.bvalid)

    async def read(ctx, name):
        ctx.set(lite.araddr, OFFSETS[name])
        ctx.set(lite.arvalid, 1)
        ctx.set(lite.rready, 1)
        await ctx.tick()
        ctx.set(lite.arvalid, 0)
        assert ctx.get(lite.rvalid)
        value = ctx.get(lite.rdata)
        await ctx.tick()
        return value

    async def send(ctx):
        ctx.set(token.tvalid, 1)
        ctx.set(token.tkeep, 3)
        for beat in range(beats):
            ctx.set(token.tdata, 0x1234 + beat)
            ctx.set(token.tlast, int(beat == beats - 1))
            await ctx.tick().until(token.tready)
        ctx.set(token.tvalid, 0)

    async def bench(ctx, reset):
        assert await read(ctx, "identity") == int.from_bytes(b"gain", "little")
        assert await read(ctx, "heads") == heads
        ctx.set(token.tvalid, 1)
        for _ in range(5):
            assert not ctx.get(token.tready)
            await ctx.tick()
        ctx.set(token.tvalid, 0)
        await write(ctx, "control", ENABLE)
        ctx.set(result.tready, 1)
        await send(ctx)
        await ctx.tick().until(result.tvalid & result.tlast)
        assert await read(ctx, "queries") == await read(ctx, "results") == 1
        assert await read(ctx, "fill") == 1

        ctx.set(result.tready, 0)
        await send(ctx)
        while not ctx.get(result.tvalid):
            await ctx.tick()
        await write(ctx, "control", ENABLE | RESET)
        for _ in range(20):
            assert ctx.get(result.tvalid)
            await ctx.tick()
        assert await read(ctx, "control") == ENABLE | RESET
        ctx.set(result.tready, 1)
        await ctx.tick().until(result.tvalid & result.tlast)
        await ctx.tick().repeat(2)
        assert await read(ctx, "control") == ENABLE
        assert await read(ctx, "fill") == await read(ctx, "queries") == 0

    simulate(dut, bench)


@pytest.mark.slow
def test_no_output_follows_an_input_within_the_cycle():
    netlist = Netlist(HostedCore(CORE))
    assert set(netlist.paths()) == set()
    assert {"irq", "s_axil_bvalid", "m_axis_result_tvalid"} <= netlist.outputs_from_flops()


def test_chooses_the_narrowest_widths_that_keep_the_rate():
    core = bus_core(CoreConfig(head=HeadConfig(), heads=12))
    assert (core.token_beat_bits, core.result_beat_bits, core.refresh_beat_bits) == (256, 256, 256)
    assert bus_core(CoreConfig(head=SMALL)).token_beat_bits == 32
    assert bus_core(CORE).token_beat_bits == 16


def test_refuses_beats_that_are_no_bytes_and_too_many_sub_tiles():
    with pytest.raises(ValueError, match="result_beat_bits is 12, but must be a multiple of 8"):
        bus_core(CoreConfig(head=SMALL, result_beat_bits=12))
    many = HeadConfig(head_dim=1, window=1 << 17, columns=1, refresh=False)
    with pytest.raises(ValueError, match="131072 sub-tiles, but at most 65536 are possible"):
        bus_core(CoreConfig(head=many))
