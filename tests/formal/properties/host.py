# amaranth: UnusedElaboratable=no
"""The host port: one answer to a request, packets end with TLAST alone, no offer is taken back."""

from amaranth import Array, Cat, Const, Mux, Signal
from formal.bench import Bench

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, beats_of
from gaincell.hdl.host.axi_lite_port import AxiLitePort
from gaincell.hdl.host.hosted_core import HostedCore
from gaincell.hdl.host.packet_receiver import PacketReceiver, last_bytes

BEAT_BITS = 16


def registers_answer(b: Bench, config: HeadConfig) -> None:
    """Whatever a manager does, no answer comes without its request, each request has one answer a
    cycle after it can be given, and an answer holds while it is refused. A write is performed once,
    with the address, data and strobes that were taken for it."""
    dut = AxiLitePort()
    b.add("port", dut)
    bus = dut.bus
    for name in ("awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready", "araddr", "arvalid"):
        b.free(getattr(bus, name))
    for wire in (bus.rready, dut.write_answer, dut.read_data, dut.read_answer):
        b.free(wire)

    def happens(name: str) -> Signal:
        return b.wire(name, getattr(bus, f"{name}valid") & getattr(bus, f"{name}ready"))

    took_address, took_data, took_read = happens("aw"), happens("w"), happens("ar")
    gave_write, gave_read = happens("b"), happens("r")
    addresses, words, reads = (b.counter(name, 3) for name in ("addresses", "words", "reads"))
    b.m.d.sync += [
        addresses.eq(addresses + took_address - gave_write),
        words.eq(words + took_data - gave_write),
        reads.eq(reads + took_read - gave_read),
    ]
    can_answer = (addresses != 0) & (words != 0)
    b.always((addresses != 3) & (words != 3) & (reads < 2))
    b.always(~bus.bvalid | can_answer)
    b.always(~b.held(can_answer & ~bus.bvalid) | bus.bvalid)
    b.always(b.held(dut.write) == (bus.bvalid & ~b.held(bus.bvalid & ~bus.bready)))
    b.always(bus.rvalid == (reads == 1))
    for channel, payload in (("b", bus.bresp), ("r", Cat(bus.rdata, bus.rresp))):
        valid, ready = getattr(bus, f"{channel}valid"), getattr(bus, f"{channel}ready")
        holds = valid & (payload == b.held(payload))
        b.always(~b.held(valid & ~ready) | holds)
    address, word = Signal.like(dut.write_index), Signal(36)
    with b.m.If(took_address):
        b.m.d.sync += address.eq(bus.awaddr[2:])
    with b.m.If(took_data):
        b.m.d.sync += word.eq(Cat(bus.wdata, bus.wstrb))
    b.always(~dut.write | (dut.write_index == address))
    b.always(~dut.write | (Cat(dut.write_data, dut.write_strobe) == word))


def packets_received(b: Bench, config: HeadConfig) -> None:
    """A packet begins behind the last beat of the one before, whatever that was. Its payload is
    offered if and only if it has its own number of beats and every byte that counts, is wanted, and
    was not abandoned. Each malformed packet is told once, and none ever stops the stream."""
    bits, few_bits = BEAT_BITS * config.columns + 9, BEAT_BITS * (config.columns - 1) + 1
    dut = PacketReceiver(bits=bits, few_bits=few_bits, beat_bits=BEAT_BITS, side_bits=1)
    b.add("receiver", dut)
    for wire in (dut.beat.valid, dut.beat.payload, dut.few, dut.open, dut.unwanted):
        b.free(wire)
    for wire in (dut.abandon, dut.whole.ready):
        b.free(wire)
    beat = dut.beat.payload
    many, fewer = beats_of(bits, BEAT_BITS), beats_of(few_bits, BEAT_BITS)
    count = b.counter("count", many)
    lost, few, whole, side = (Signal(name=name) for name in ("lost", "few", "whole", "side"))
    held = [Signal(BEAT_BITS, name=f"beat_{place}") for place in range(many)]
    taken = b.wire("taken", dut.beat.valid & dut.beat.ready)
    first = b.wire("first", count == 0)
    starts = b.wire("starts", first & ~lost)
    short = b.wire("short", Mux(first, dut.few, few))
    beats = b.wire("beats", Mux(short, fewer, many))
    ends = b.wire("ends", count + 1 == beats)
    all_kept = Const(last_bytes(BEAT_BITS, BEAT_BITS), 2)
    needs = Mux(
        ends, Mux(short, last_bytes(few_bits, BEAT_BITS), last_bytes(bits, BEAT_BITS)), all_kept
    )
    lacks = b.wire("lacks", (beat.keep & needs) != needs)
    forgotten = b.wire("forgotten", starts & dut.unwanted)
    wrong = b.wire("wrong", ~lost & ~forgotten & (lacks | (beat.last != ends)))
    good = b.wire("good", taken & beat.last & ~lost & ~forgotten & ~wrong)
    with b.m.If(taken):
        b.m.d.sync += [
            lost.eq(~beat.last & (lost | forgotten | wrong)),
            count.eq(Mux(beat.last | lost | forgotten | wrong, 0, count + 1)),
        ]
        with b.m.If(first):
            b.m.d.sync += [few.eq(dut.few), side.eq(beat.side)]
        with b.m.If(~lost):
            b.m.d.sync += Array(held)[count].eq(beat.data)
    with b.m.Elif(dut.abandon & ~first):
        b.m.d.sync += [lost.eq(1), count.eq(0)]
    b.m.d.sync += whole.eq((good | (whole & ~dut.whole.ready)) & ~dut.abandon)
    b.always(
        dut.beat.ready == (lost | ((~whole | dut.whole.ready) & (dut.open | ~first) & ~dut.abandon))
    )
    b.always(dut.whole.valid == whole)
    b.always((dut.short | dut.long | dut.null) == (taken & wrong))
    b.always(dut.passes == good)
    collected = Cat(held)
    payload = dut.whole.payload
    b.always(~whole | (payload.data[:few_bits] == collected[:few_bits]))
    b.always(~whole | few | (payload.data == collected[:bits]))
    b.always(~whole | (payload.side == side))


def offers_hold(b: Bench, config: HeadConfig) -> None:
    """A result or a request that the whole port offers stays, unchanged, until it is taken,
    whatever software writes: resets of the core as well."""
    dut = HostedCore(CoreConfig(head=config, token_beat_bits=8, result_beat_bits=8))
    b.add("port", dut)
    lite = dut.s_axil
    for name in ("awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready", "araddr", "arvalid"):
        b.free(getattr(lite, name))
    b.free(lite.rready)
    for name in ("tdata", "tkeep", "tlast", "tuser", "tvalid"):
        b.free(getattr(dut.s_axis_token, name))
        b.free(getattr(dut.s_axis_response, name))
    for wire in (dut.array.pulse, dut.array.sign):
        b.free(wire)
    result, request = dut.m_axis_result, dut.m_axis_request
    for stream, payload in (
        (result, Cat(result.tdata, result.tkeep, result.tlast)),
        (request, Cat(request.tdata, request.tuser, request.tlast)),
    ):
        b.free(stream.tready)
        waits = stream.tvalid & ~stream.tready
        b.always(~b.held(waits) | (stream.tvalid & (payload == b.held(payload))))
