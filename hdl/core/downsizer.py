"""Sends the payloads of a wide stream as the beats of a narrow one."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.config import beats_of
from gaincell.hdl.layouts import result_beat_layout


class Downsizer(wiring.Component):
    """Takes one payload at a time into a register and sends it beat by beat.

    The first beat is offered in the cycle after the payload was taken. The next payload is taken
    with the last beat: as many cycles for a payload as it has beats. Reset drops what waits.

    Parameters
    ----------
    bits : int
        Bits of a payload.
    beat_bits : int
        Data bits of a beat, the lowest first; the last beat is filled up with zeros.

    Members
    -------
    whole : In(stream)
        ``ready`` follows ``beat.ready``, not ``valid`` of its own.
    beat : Out(stream of ``result_beat_layout``)
        ``valid`` comes from a flop; the payload holds while it waits.
    """

    def __init__(self, *, bits: int, beat_bits: int) -> None:
        self._bits = bits
        self._beat_bits = beat_bits
        self._beats = beats_of(bits, beat_bits)
        super().__init__(
            {
                "whole": In(stream.Signature(bits)),
                "beat": Out(stream.Signature(result_beat_layout(beat_bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        whole, beat = self.whole, self.beat
        held = Signal(self._bits, reset_less=True)
        place = Signal(range(self._beats))
        leaves = Signal()

        m.d.comb += [
            beat.payload.last.eq(place == self._beats - 1),
            leaves.eq(beat.valid & beat.ready),
            whole.ready.eq(~beat.valid | (leaves & beat.payload.last)),
        ]
        with m.Switch(place):
            for number in range(self._beats):
                with m.Case(number):
                    begin = number * self._beat_bits
                    m.d.comb += beat.payload.data.eq(held[begin : begin + self._beat_bits])
        with m.If(whole.valid & whole.ready):
            m.d.sync += [held.eq(whole.payload), beat.valid.eq(1), place.eq(0)]
        with m.Elif(leaves):
            m.d.sync += place.eq(place + 1)
            with m.If(beat.payload.last):
                m.d.sync += beat.valid.eq(0)
        return m
