import pytest

from gaincell.config import HeadConfig
from gaincell.hdl.write_pointer import WritePointer

GEOMETRIES = [
    (1, 1, 0),
    (1, 1, 1),
    (3, 1, 0),
    (3, 1, 1),
    (4, 4, 0),
    (4, 4, 1),
    (4, 4, 4),
    (6, 3, 2),
    (6, 3, 3),
    (15, 5, 4),
    (16, 4, 0),
    (35, 7, 1),
]
"""(window, columns, sink)"""


def config_of(geometry: tuple[int, int, int]) -> HeadConfig:
    window, columns, sink = geometry
    return HeadConfig(head_dim=1, window=window, columns=columns, sink=sink)


def place(token: int, config: HeadConfig) -> tuple[int, int]:
    """Sub-tile and column of token number ``token`` of a sequence."""
    if token < config.sink:
        return config.ring_tiles, token
    return divmod(token % config.window, config.columns)


def outputs(ctx, dut):
    """(sub-tile, column), ring's sub-tile, fill."""
    names = ("tile", "column", "ring_tile", "fill")
    tile, column, ring_tile, fill = (ctx.get(getattr(dut, name)) for name in names)
    return (tile, column), ring_tile, fill


def expected(token: int, config: HeadConfig):
    """The outputs once ``token`` is stored."""
    ring_tile = token % config.window // config.columns
    return place(token, config), ring_tile, min(token + 1, config.stored_columns)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_goes_round_the_ring_behind_the_sink(geometry, simulate):
    config = config_of(geometry)
    dut = WritePointer(config)

    async def testbench(ctx, reset):
        ctx.set(dut.advance, 1)
        for token in range(3 * config.window + config.sink + 2):
            ctx.set(dut.first, token == 0)
            await ctx.tick()
            assert outputs(ctx, dut) == expected(token, config)

    simulate(dut, testbench)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_starts_over_at_first_and_holds_while_not_advancing(geometry, simulate, rng):
    config = config_of(geometry)
    dut = WritePointer(config)
    cycles = 300
    advance = rng.random(cycles) < 0.7
    first = rng.random(cycles) < 1 / (config.window + config.sink + 3)
    advance[0] = first[0] = True

    async def testbench(ctx, reset):
        token = -1
        for cycle in range(cycles):
            ctx.set(dut.advance, int(advance[cycle]))
            ctx.set(dut.first, int(first[cycle]))
            await ctx.tick()
            if advance[cycle]:
                token = 0 if first[cycle] else token + 1
            assert outputs(ctx, dut) == expected(token, config)

    simulate(dut, testbench)


@pytest.mark.parametrize("tokens", [1, 2, 5, 7, 13])
def test_reset_forgets_the_place(tokens, simulate):
    config = config_of((6, 3, 2))
    dut = WritePointer(config)

    async def testbench(ctx, reset):
        ctx.set(dut.advance, 1)
        ctx.set(dut.first, 1)
        for _ in range(tokens):
            await ctx.tick()
            ctx.set(dut.first, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        assert outputs(ctx, dut) == ((0, 0), 0, 0)
        seen = []
        for token in range(9):
            ctx.set(dut.first, token == 0)
            await ctx.tick()
            seen.append(outputs(ctx, dut))
        assert seen == [expected(token, config) for token in range(9)]

    simulate(dut, testbench)
