"""A memory with two ports against a dict, and as the module that a memory macro can replace."""

import re

import pytest
from grids import rest_slow

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape
from gaincell.hdl.refresh.dropped_marks import DroppedMarks
from gaincell.hdl.verilog import head_verilog

SIZES = [(1, 1), (1, 5), (3, 1), (2, 2), (5, 3), (4, 8), (17, 7)]


class Bench:
    """Drives the ports one ``cycle`` at a time and checks what was asked for in the one before."""

    def __init__(self, ctx, dut):
        self._ctx = ctx
        self._dut = dut
        self._asked = None
        self.stored = {}

    async def cycle(self, read, write=None, mark=0):
        """Places are (sub-tile, column); ``write`` is None for a cycle without."""
        ctx, dut = self._ctx, self._dut
        ctx.set(dut.write, int(write is not None))
        ctx.set(dut.mark, mark)
        for port, (tile, column) in (("read", read), ("write", write or read)):
            ctx.set(getattr(dut, f"{port}_tile"), tile)
            ctx.set(getattr(dut, f"{port}_column"), column)
        if self._asked is not None:
            assert ctx.get(dut.marked) == self._asked
        # A bit that is written while it is read still shows as it was.
        self._asked = self.stored.get(read)
        if write is not None:
            self.stored[write] = mark
        await ctx.tick()


def places(tiles, columns):
    return [(tile, column) for tile in range(tiles) for column in range(columns)]


@pytest.mark.parametrize("size", rest_slow(SIZES, 5))
def test_shows_what_was_stored_when_the_cycle_before_began(size, simulate, rng):
    dut = DroppedMarks(*size)
    everywhere = places(*size)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut)
        overtaken = 0
        for _ in range(60 + 30 * len(everywhere)):
            read, write = (everywhere[index] for index in rng.integers(len(everywhere), size=2))
            mark, writes = rng.integers(2, size=2).tolist()
            overtaken += writes and read == write and bench.stored.get(read) == 1 - mark
            await bench.cycle(read, write if writes else None, mark)
        assert overtaken > 3
        assert len(bench.stored) == len(everywhere)

    simulate(dut, testbench)


@pytest.mark.parametrize("size", rest_slow(SIZES, 5))
def test_keeps_a_bit_for_every_column(size, simulate, rng):
    dut = DroppedMarks(*size)
    everywhere = places(*size)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut)
        for alone in range(len(everywhere)):
            for index, place in enumerate(everywhere):
                await bench.cycle(place, place, int(index == alone))
            for place in everywhere:
                await bench.cycle(place)
        await bench.cycle(everywhere[0])

    simulate(dut, testbench)


def test_reset_leaves_what_is_stored(simulate):
    dut = DroppedMarks(2, 3)

    async def testbench(ctx, reset):
        bench = Bench(ctx, dut)
        for place in places(2, 3):
            await bench.cycle(place, place, sum(place) % 2)
        assert set(bench.stored.values()) == {0, 1}
        ctx.set(reset, 1)
        await bench.cycle((0, 0))
        ctx.set(reset, 0)
        for place in places(2, 3):
            await bench.cycle(place)
        await bench.cycle((0, 0))

    simulate(dut, testbench)


@pytest.mark.parametrize("shape", rest_slow([(6, 3, 2), (1024, 64, 0), (1024, 64, 4), (5, 5, 5)]))
def test_is_the_only_memory_and_a_module_whose_ports_bear_their_names(shape):
    window, columns, sink = shape
    config = HeadConfig(window=window, columns=columns, sink=sink)
    before, name, after = head_verilog(config).partition(
        "module gaincell_head_refresh_held_columns_dropped("
    )
    module, end, after = after.partition("endmodule")
    assert name
    assert end
    memory = r"^  reg (?:\[\d+:0\] )?\S+ \[(\d+):0\];"
    tile, column = (index_shape(count).width for count in (config.tiles, config.columns))
    assert re.findall(memory, module, re.M) == [str((config.tiles << column) - 1)]
    assert not re.search(memory, before + after, re.M)

    ports = re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\S+) ?;", module, re.M)
    assert module.count("rst") == 3, "declared, and not used"
    assert {name: int(high or 0) + 1 for high, name in ports} == {
        "clk": 1,
        "rst": 1,
        "write": 1,
        "write_tile": tile,
        "write_column": column,
        "mark": 1,
        "read_tile": tile,
        "read_column": column,
        "marked": 1,
    }
