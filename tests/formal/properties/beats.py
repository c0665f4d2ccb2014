# amaranth: UnusedElaboratable=no
"""Cores: beats are never mixed, no payload is lost or made up, all groups are in step."""

from amaranth import Cat, Mux, Signal, unsigned
from formal.bench import Bench

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, beats_of
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.hdl.core.downsizer import Downsizer
from gaincell.hdl.core.upsizer import Upsizer


def sizes(config: HeadConfig) -> tuple[CoreConfig, int]:
    """A core of two heads, and bits of a beat: two or three beats for its token."""
    return CoreConfig(head=config, heads=2), config.columns + 1


def collected(b: Bench, config: HeadConfig) -> None:
    """A payload is offered once all of its beats were taken, no sooner and not twice. It holds
    these beats, in their order, and the side bits of the first. While it waits no beat is taken;
    while none waits every beat is."""
    core, width = sizes(config)
    bits, few_bits = core.token_bits, core.query_bits
    many, fewer = beats_of(bits, width), beats_of(few_bits, width)
    dut = Upsizer(bits=bits, beat_bits=width, side=unsigned(1), few_bits=few_bits)
    b.add("upsizer", dut)
    for wire in (dut.few, dut.beat.valid, dut.beat.payload, dut.whole.ready):
        b.free(wire)
    beats = [Signal(width, name=f"beat_{place}") for place in range(many)]
    side, few, whole = Signal(), Signal(), Signal()
    count = b.counter("count", many)
    taken = b.wire("taken", dut.beat.valid & dut.beat.ready)
    first = b.wire("first", count == 0)
    short = b.wire("short", Mux(first, dut.few, few))
    ends = b.wire("ends", count + 1 == Mux(short, fewer, many))
    with b.m.If(taken):
        b.m.d.sync += [count.eq(Mux(ends, 0, count + 1)), whole.eq(ends)]
        with b.m.If(first):
            b.m.d.sync += [side.eq(dut.beat.payload.side), few.eq(dut.few)]
        for place, beat in enumerate(beats):
            with b.m.If(count == place):
                b.m.d.sync += beat.eq(dut.beat.payload.data)
    with b.m.Elif(dut.whole.ready):
        b.m.d.sync += whole.eq(0)
    b.always(dut.whole.valid == whole)
    b.always(dut.beat.ready == (~whole | dut.whole.ready))
    payload, taken_in = dut.whole.payload.data, Cat(beats)
    b.always(~whole | (payload[:few_bits] == taken_in[:few_bits]))
    b.always(~whole | few | (payload == taken_in[:bits]))
    b.always(~whole | (dut.whole.payload.side == side))


def sent(b: Bench, config: HeadConfig) -> None:
    """Each payload that is taken leaves as its own beats, in order, zeros behind them, the last one
    marked. A beat holds while it is refused; the next payload is taken with the last beat."""
    core, width = sizes(config)
    bits, many = core.token_bits, beats_of(core.token_bits, width)
    dut = Downsizer(bits=bits, beat_bits=width)
    b.add("downsizer", dut)
    for wire in (dut.whole.valid, dut.whole.payload, dut.beat.ready):
        b.free(wire)
    held, count = Signal(bits), b.counter("left", many)
    leaves = b.wire("leaves", dut.beat.valid & dut.beat.ready)
    room = b.wire("room", (count == 0) | (leaves & (count == 1)))
    with b.m.If(dut.whole.valid & dut.whole.ready):
        b.m.d.sync += [held.eq(dut.whole.payload), count.eq(many)]
    with b.m.Elif(leaves):
        b.m.d.sync += count.eq(count - 1)
    b.always(dut.whole.ready == room)
    b.always(dut.beat.valid == (count != 0))
    b.always((count == 0) | (dut.beat.payload.last == (count == 1)))
    for left in range(1, many + 1):
        begin = (many - left) * width
        own = held[begin : begin + width]
        b.always((count != left) | (dut.beat.payload.data == own))


def groups_in_step(b: Bench, config: HeadConfig) -> None:
    """Whatever the core is offered, all groups of heads have a result in the same cycles."""
    core = AttentionCore(sizes(config)[0])
    inside = b.add("core", core)
    for each in (core.token, core.refresh_response):
        b.free(each.valid)
        b.free(each.payload)
    for wire in (core.result.ready, core.refresh_request.ready):
        b.free(wire)
    for wire in (core.array.pulse, core.array.sign):
        b.free(wire)
    first, second = inside.submodules.group_0, inside.submodules.group_1
    b.always(first.has_result == second.has_result)
    b.always(core.result.valid == first.has_result)
