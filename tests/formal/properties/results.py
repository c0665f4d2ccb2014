# amaranth: UnusedElaboratable=no
"""Results: one per accepted query, its own, in order, stable while nobody takes it."""

from amaranth import Mux, Signal, signed
from formal.bench import Bench, HeadBench

from gaincell.config import HeadConfig
from gaincell.hdl.result_queue import ResultQueue


def queue_keeps_order(b: Bench, config: HeadConfig) -> None:
    """Any one result leaves the queue as it came, behind those before it; no other is made up.

    What surrounds the queue promises that results wait for no more places than there are, and that
    a total holds until it has moved to a register.
    """
    queue = ResultQueue(
        width=config.result_width * config.head_dim, places=config.timing.result_places
    )
    b.add("queue", queue)
    places = config.timing.result_places
    b.free(queue.done)
    b.free(queue.total)
    b.free(queue.result.ready)

    waiting = b.counter("waiting", places)
    delivered = b.wire("delivered", queue.result.valid & queue.result.ready)
    b.m.d.sync += waiting.eq(waiting + queue.done - delivered)
    b.assume(~queue.done | (waiting < places))
    last_place_used = waiting == places
    b.assume(~last_place_used | (queue.total == b.held(queue.total)))
    # Without registers the total is the result itself, from the cycle of done.
    visible = (waiting != 0) | (queue.done if places == 1 else 0)
    b.always(queue.result.valid == visible)

    mark = b.any("mark")
    ahead = b.counter("ahead", places)
    seen, waits = Signal(), Signal()
    own = Signal.like(queue.total)
    with b.m.If(queue.done & mark & ~seen):
        b.m.d.sync += [seen.eq(1), own.eq(queue.total), ahead.eq(waiting - delivered)]
        b.m.d.sync += waits.eq(~((waiting == 0) & delivered))
    with b.m.Elif(waits & delivered):
        b.m.d.sync += [ahead.eq(ahead - 1), waits.eq(ahead != 0)]
    b.always(~waits | (ahead != 0) | ~queue.result.valid | (queue.result.payload == own))


def one_per_query(b: HeadBench) -> None:
    """Every query gives one result at its fixed latency, and has a place for it until then."""
    timing = b.config.timing
    owed = b.counter("owed", timing.result_places)
    b.m.d.sync += owed.eq(owed + b.accept - b.deliver)
    b.always(~b.deliver | (owed != 0))
    b.always(~b.accept | (owed != timing.result_places))
    launch = (b.accept & ~b.starts) | b.delayed(b.starts, timing.clear_cycles)
    done = b.delayed(launch, timing.latency_cycles - (timing.result_places > 1))
    b.always(b.readout.done == done)


def each_gets_its_own(b: HeadBench) -> None:
    """The result of any one query is the sum of the pulses of its own output phase. The results
    before it belong to the queries before it."""
    config, timing = b.config, b.config.timing
    assert config.head_dim == 1
    for tile in range(config.tiles):
        pulse, sign = b.array.pulse[tile], b.array.sign[tile]
        converting = b.array.v_convert.any()
        b.assume(converting | ~pulse)
        after = b.delayed(converting, 1)
        for cycles in range(2, config.sync_stages + 1):
            after |= b.delayed(converting, cycles)
        b.assume(~after | (sign == b.held(sign)))

    owed = b.counter("owed", timing.result_places)
    b.m.d.sync += owed.eq(owed + b.accept - b.deliver)
    mark, seen, waits = b.any("mark"), Signal(), Signal()
    now = b.wire("marked_now", b.accept & mark & ~seen)
    ahead = b.counter("ahead", timing.result_places)
    with b.m.If(now):
        b.m.d.sync += [seen.eq(1), waits.eq(1), ahead.eq(owed - b.deliver)]
    with b.m.Elif(waits & b.deliver):
        b.m.d.sync += [ahead.eq(ahead - 1), waits.eq(ahead != 0)]

    launch = (now & ~b.starts) | b.delayed(now & b.starts, timing.clear_cycles)
    age = b.counter("own_age", timing.out.end)
    with b.m.If(launch):
        b.m.d.sync += age.eq(1)
    with b.m.Elif((age != 0) & (age != timing.out.end)):
        b.m.d.sync += age.eq(age + 1)
    own = Signal(signed(config.result_width))
    added = sum(
        Mux(b.array.pulse[tile], Mux(b.array.sign[tile], -1, 1), 0) for tile in range(config.tiles)
    )
    with b.m.If((age >= timing.sampled.start) & (age < timing.sampled.end)):
        b.m.d.sync += own.eq(own + added)
    mine = waits & (ahead == 0) & b.result.valid
    b.always(~mine | (b.result.payload[0] == own))


def result_holds(b: HeadBench) -> None:
    """A result that is not taken stays valid and unchanged."""
    _holds(b, b.result)


def request_holds(b: HeadBench) -> None:
    """A refresh request that is not taken stays valid and unchanged."""
    _holds(b, b.request)


def _holds(b: HeadBench, port) -> None:
    stalled = b.held(port.valid & ~port.ready)
    b.always(~stalled | (port.valid & (port.payload.as_value() == b.held(port.payload.as_value()))))
