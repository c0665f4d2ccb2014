"""Refresh: no value read beyond its bound, visits that end, little delay."""

from amaranth import Cat, Mux, Signal
from formal.bench import HeadBench
from formal.refresh_bench import rules


def keeps_the_rules(b: HeadBench) -> None:
    """Whatever streams do, a visit's work is over when the next begins; and the other rules."""
    for rule in rules(b, b.refresh, b.config):
        b.always(rule)


def delays_by_one_write(b: HeadBench) -> None:
    """A query that could enter but for refresh waits for one write and a cycle at most."""
    timing = b.config.timing
    owed = b.counter("owed", timing.result_places)
    b.m.d.sync += owed.eq(owed + b.accept - b.deliver)
    launch = (b.accept & ~b.starts) | b.delayed(b.starts, timing.clear_cycles)
    clearing = [b.delayed(b.starts, age) for age in range(1, timing.clear_cycles + 1)]
    running = [b.delayed(launch, age) for age in range(1, timing.interval_cycles)]
    kept_out = b.wire("kept_out", (Cat(clearing, running) != 0) | (owed == timing.result_places))
    longest = timing.clear_cycles
    waited = b.counter("waited", longest + 1)
    delayed = b.token.valid & ~b.token.ready & ~kept_out
    b.m.d.sync += waited.eq(Mux(delayed, waited + 1, 0))
    b.always(waited <= longest)


def read_within_bound(b: HeadBench) -> None:
    """Any one cell, of K or V, is read within the bound of cycles after its latest write."""
    bound = b.config.bound_cycles
    tile, column = _any_column(b)
    for name, read in (("k", b.array.k_integrate), ("v", b.array.v_integrate)):
        port = getattr(b.array, f"{name}_write")
        writing = port.enable & (port.broadcast | ((port.tile == tile) & (port.column == column)))
        # Never written since reset counts as too old.
        age = b.counter(f"{name}_age", bound + 1, init=bound + 1)
        with b.m.If(writing):
            b.m.d.sync += age.eq(0)
        with b.m.Elif(age <= bound):
            b.m.d.sync += age.eq(age + 1)
        reads = read.any() & ~b.held(read.any())
        b.always(~reads | (age <= bound))


def fill_is_exact(b: HeadBench) -> None:
    """``fill`` counts the tokens of the sequence that have a place in the window."""
    largest = b.config.window + b.config.sink
    fill = b.counter("stored", largest)
    with b.m.If(b.starts):
        b.m.d.sync += fill.eq(1)
    with b.m.Elif(b.writes & (fill != largest)):
        b.m.d.sync += fill.eq(fill + 1)
    b.always(b.head.status.fill == fill)


def _any_column(b: HeadBench) -> tuple[Signal, Signal]:
    """A column of the ring or of the sink, any, always the same one."""
    config = b.config
    tile, column = b.constant("tile", config.tiles), b.constant("column", config.columns)
    b.assume((tile < config.ring_tiles) | (column < config.sink))
    return tile, column
