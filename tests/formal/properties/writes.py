"""Writes: only to columns that exist, never while the array is read, only in their windows."""

from amaranth import Cat, Mux, Signal
from amaranth.hdl import Value
from formal.bench import HeadBench

from gaincell.schedule import Span

ARRAYS = ("k", "v")


def in_range(b: HeadBench) -> None:
    """A write goes to all columns or to one that exists: of the ring, or of the shorter sink."""
    config = b.config
    for name in ARRAYS:
        port = getattr(b.array, f"{name}_write")
        in_ring = (port.tile < config.ring_tiles) & (port.column < config.columns)
        in_sink = (port.tile == config.ring_tiles) & (port.column < config.sink)
        b.always(~port.enable | port.broadcast | in_ring | in_sink)


def never_in_a_read(b: HeadBench) -> None:
    """K is not written while it is read in QK, nor V in AV."""
    b.always(~(b.array.k_write.enable & b.array.k_integrate.any()))
    b.always(~(b.array.v_write.enable & b.array.v_integrate.any()))


def whole_and_stable(b: HeadBench) -> None:
    """A write lasts exactly ``write_cycles``, with one select and one set of codes."""
    last = b.config.write_cycles - 1
    for name in ARRAYS:
        port = getattr(b.array, f"{name}_write")
        cycle = b.counter(f"{name}_write_cycle", max(1, last))
        with b.m.If(port.enable & (cycle != last)):
            b.m.d.sync += cycle.eq(cycle + 1)
        with b.m.Else():
            b.m.d.sync += cycle.eq(0)
        wires = [port.broadcast, port.tile, port.column, port.code.as_value()]
        under_way = cycle != 0
        b.always(~under_way | port.enable)
        for wire in wires:
            b.always(~under_way | (wire == b.held(wire)))


def apart(b: HeadBench) -> None:
    """Between two writes of one array its enable is low: no write is longer than its cycles."""
    longest = b.config.write_cycles
    for name in ARRAYS:
        enable = getattr(b.array, f"{name}_write").enable
        cycles = b.counter(f"{name}_enabled", longest + 1)
        b.m.d.sync += cycles.eq(Mux(enable & (cycles <= longest), cycles + 1, 0))
        b.always(cycles <= longest)


def end_where_the_read_begins(b: HeadBench) -> None:
    """A token is written at its offsets: K up to its QK, V up to its AV; nothing else is."""
    timing = b.config.timing
    late = b.delayed(b.starts, timing.clear_cycles)
    now = b.writes & ~b.starts
    for name, phase in (("k", "qk"), ("v", "av")):
        port = getattr(b.array, f"{name}_write")
        span, read = getattr(timing, f"{name}_write"), getattr(timing, phase)
        integrate = getattr(b.array, f"{name}_integrate").any()
        launched = Signal(read.start + 1, name=f"{name}_launched")
        b.m.d.comb += launched[0].eq(now | late)
        for age in range(read.start):
            b.m.d.comb += launched[age + 1].eq(b.held(launched[age]))
        b.always(
            (port.enable & ~port.broadcast & ~_refreshing(b, span))
            == launched[span.start : span.end].any()
        )
        b.always(~launched[read.start] | integrate)


def clear_with_each_sequence(b: HeadBench) -> None:
    """Both arrays are broadcast code 0 just before the first token of a sequence, never else."""
    timing = b.config.timing
    for name in ARRAYS:
        port = getattr(b.array, f"{name}_write")
        span = getattr(timing, f"{name}_write")
        ages = [b.delayed(b.starts, age) for age in range(span.start, span.end)]
        clearing = b.wire(f"{name}_clearing", sum(ages[1:], start=ages[0]) != 0)
        b.always(port.broadcast == clearing)
        b.always(~clearing | (port.enable & (port.code.as_value() == 0)))


def refresh_at_its_offsets(b: HeadBench) -> None:
    """A refresh writes K and V of the column under visit at the offsets of a token, in whole.

    It writes the offered response's codes, which has the awaited tag, or code 0.
    """
    timing, refresh = b.config.timing, b.refresh
    for name in ARRAYS:
        port = getattr(b.array, f"{name}_write")
        span = getattr(timing, f"{name}_write")
        due = b.wire(f"{name}_due", _refreshing(b, span))
        code = getattr(b.response.payload, name).as_value()
        b.always(~due | (port.enable & ~port.broadcast))
        b.always(~due | ((port.tile == refresh.tile) & (port.column == refresh.column)))
        b.always(~due | (port.code.as_value() == Mux(refresh.blank, 0, code)))
        b.always(~due | refresh.blank | b.response.valid)


def _refreshing(b: HeadBench, span: Span) -> Value:
    """A refresh was launched so many cycles ago that it is written now."""
    launch = b.refresh.launch
    return Cat(b.delayed(launch, age) for age in range(span.start, span.end)).any()


def carry_their_own_codes(b: HeadBench) -> None:
    """Any one token's key, value and query are on the wires when its phases run."""
    timing, config = b.config.timing, b.config
    mark = b.any("mark")
    marked, now = Signal(), Signal()
    first = b.wire("marked_now", b.accept & mark & ~marked)
    payload = b.token.payload
    q, k, v = (Signal.like(getattr(payload, n).as_value(), name=f"own_{n}") for n in "qkv")
    kept, wrote = Signal(), Signal()
    with b.m.If(first):
        b.m.d.sync += [marked.eq(1), wrote.eq(b.writes), kept.eq(b.starts)]
        for own, name in ((q, "q"), (k, "k"), (v, "v")):
            b.m.d.sync += own.eq(getattr(payload, name))
    launch = b.wire(
        "launch", (first & ~b.starts) | b.delayed(first & b.starts, timing.clear_cycles)
    )
    age = b.counter("own_age", timing.av.start)
    with b.m.If(launch):
        b.m.d.sync += age.eq(1)
    with b.m.Elif((age != 0) & (age != timing.av.start)):
        b.m.d.sync += age.eq(age + 1)
    b.m.d.comb += now.eq(kept)

    def during(span) -> Signal:
        return (age >= span.start) & (age < span.end)

    b.always(~(during(timing.k_write) & wrote) | (b.array.k_write.code.as_value() == k))
    b.always(~(during(timing.v_write) & wrote) | (b.array.v_write.code.as_value() == v))
    for step in range(config.query_max):
        at = timing.qk.start + step * config.step_cycles
        b.always(
            ~((age >= at) & (age < at + config.step_cycles)) | (b.array.query[0] == (q > step))
        )
