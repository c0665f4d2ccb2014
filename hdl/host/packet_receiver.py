"""Packets of an AXI4-Stream to payloads, and what becomes of malformed packets."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.config import beats_of
from gaincell.hdl.core.upsizer import Upsizer


class PacketReceiver(wiring.Component):
    """Collects the beats of one packet and offers them as one payload.

    A packet has as many beats as its payload needs, the last one with ``last``, and every byte that
    holds a bit of the payload is kept. A packet that breaks this rule is dropped up to its ``last``
    beat; the beat behind that begins the next packet. No beat waits for a packet to be whole, so
    nothing that comes in can stop the stream.

    A payload is offered in the cycle after its last beat was taken, and beats of the next packet
    are taken from the cycle on in which it is taken. Reset drops all.

    Parameters
    ----------
    bits, few_bits : int
        Bits of a payload, and of a short one.
    beat_bits : int
        Bits of a beat, a multiple of 8; the lowest bits of a payload come first.
    side_bits : int
        Bits that a packet carries besides; those of its first beat count.

    Members
    -------
    beat : In(stream of ``data``, ``keep``, ``last``, ``side``)
        ``ready`` follows no input of the same stream.
    few : In(1)
        With a first beat: the payload is a short one.
    open : In(1)
        A packet may begin.
    unwanted : In(1)
        With a first beat: the packet is taken and forgotten, whatever it is.
    abandon : In(1)
        The packet under way and a payload that waits are dropped, and no packet begins.
    whole : Out(stream of ``data``, ``side``)
    begins : Out(1)
        A first beat is taken, of a packet that is not unwanted.
    forgets : Out(1)
        A first beat is taken, of one that is.
    passes : Out(1)
        The last beat of a good packet is taken.
    short, long, null : Out(1)
        In this cycle a packet turns out to be malformed: it ends too early, goes on too long, or
        lacks a byte.
    """

    def __init__(
        self, *, bits: int, beat_bits: int, side_bits: int, few_bits: int | None = None
    ) -> None:
        self._bits = bits
        self._few_bits = bits if few_bits is None else few_bits
        self._beat_bits = beat_bits
        self._side_bits = side_bits
        beat = {"data": beat_bits, "keep": beat_bits // 8, "last": 1, "side": side_bits}
        whole = {"data": bits, "side": side_bits}
        super().__init__(
            {
                "beat": In(stream.Signature(data.StructLayout(beat))),
                "few": In(1),
                "open": In(1),
                "unwanted": In(1),
                "abandon": In(1),
                "whole": Out(stream.Signature(data.StructLayout(whole))),
                "begins": Out(1),
                "forgets": Out(1),
                "passes": Out(1),
                "short": Out(1),
                "long": Out(1),
                "null": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.upsizer = upsizer = Upsizer(
            bits=self._bits,
            beat_bits=self._beat_bits,
            side=self._side_bits,
            few_bits=self._few_bits,
        )
        beat = self.beat
        wiring.connect(m, wiring.flipped(self.whole), upsizer.whole)

        skips = Signal()
        may_take = Signal()
        taken = Signal()
        counts = Signal()
        needed = Signal(self._beat_bits // 8)
        lacks = Signal()
        good = Signal()
        few, many = (last_bytes(bits, self._beat_bits) for bits in (self._few_bits, self._bits))
        m.d.comb += [
            # In a packet that is skipped the upsizer stands at the beginning of the next one.
            may_take.eq(upsizer.beat.ready & Mux(upsizer.begins, self.open, 1) & ~self.abandon),
            beat.ready.eq(skips | may_take),
            taken.eq(beat.valid & beat.ready),
            self.forgets.eq(taken & ~skips & upsizer.begins & self.unwanted),
            counts.eq(taken & ~skips & ~self.forgets),
            needed.eq(Mux(upsizer.ends, Mux(upsizer.is_few, few, many), ~0)),
            lacks.eq((beat.payload.keep & needed) != needed),
            good.eq(~lacks & (beat.payload.last == upsizer.ends)),
            self.begins.eq(counts & upsizer.begins),
            self.passes.eq(counts & good & upsizer.ends),
            self.short.eq(counts & beat.payload.last & ~upsizer.ends),
            self.long.eq(counts & ~beat.payload.last & upsizer.ends),
            self.null.eq(counts & lacks),
            upsizer.few.eq(self.few),
            upsizer.beat.valid.eq(counts & good),
            upsizer.beat.payload.data.eq(beat.payload.data),
            upsizer.beat.payload.side.eq(beat.payload.side),
            upsizer.drop.eq((counts & ~good) | self.abandon),
        ]
        with m.If(taken):
            m.d.sync += skips.eq(~beat.payload.last & (skips | ~(counts & good)))
        with m.Elif(self.abandon & ~upsizer.begins):
            m.d.sync += skips.eq(1)
        return m


def last_bytes(bits: int, beat_bits: int) -> int:
    """TKEEP of the last beat of a payload: a one for each byte that holds a bit of it."""
    left = bits - (beats_of(bits, beat_bits) - 1) * beat_bits
    return (1 << -(-left // 8)) - 1
