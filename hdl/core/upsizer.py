"""Collects the beats of a narrow stream to the payloads of a wide one."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import ShapeLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.config import beats_of


class Upsizer(wiring.Component):
    """Collects the beats of one transfer and offers them as one payload.

    A payload is offered in the cycle after its last beat was taken. The beats of the next transfer
    are taken from the cycle on in which the payload is taken: as many cycles for a payload as it
    has beats. Reset drops the beats of an unfinished transfer: the next beat is a first one.

    Parameters
    ----------
    bits : int
        Data bits of a payload.
    beat_bits : int
        Data bits of a beat, the lowest first; bits of the last beat beyond ``bits`` are ignored.
    side : shape
        What a transfer carries besides; taken with its first beat.
    few_bits : int, optional
        Data bits of a short transfer, by default ``bits``. The data beyond them are any.

    Members
    -------
    few : In(1)
        With the first beat of a transfer: it is a short one.
    drop : In(1)
        The unfinished transfer is dropped, with a beat that is taken in this cycle and with a
        payload that waits: the next beat is a first one.
    begins, ends : Out(1)
        The next beat is a first one, or is a last one if the transfer is as long as ``few`` says.
    is_few : Out(1)
        The transfer of the next beat is a short one.
    beat : In(stream of ``data``, ``side``)
        ``ready`` follows ``whole.ready``, not ``valid`` or payload of its own.
    whole : Out(stream of ``data``, ``side``)
        ``valid`` comes from a flop; the payload holds while it waits.
    """

    def __init__(
        self, *, bits: int, beat_bits: int, side: ShapeLike, few_bits: int | None = None
    ) -> None:
        self._bits = bits
        self._beat_bits = beat_bits
        self._beats = beats_of(bits, beat_bits)
        self._few_beats = beats_of(bits if few_bits is None else few_bits, beat_bits)
        super().__init__(
            {
                "few": In(1),
                "drop": In(1),
                "begins": Out(1),
                "ends": Out(1),
                "is_few": Out(1),
                "beat": In(stream.Signature(data.StructLayout({"data": beat_bits, "side": side}))),
                "whole": Out(stream.Signature(data.StructLayout({"data": bits, "side": side}))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat, whole = self.beat, self.whole
        place = Signal(range(self._beats))
        taken = Signal()
        begins, ends, is_few = self.begins, self.ends, self.is_few
        was_few = Signal(reset_less=True)
        side = Signal.like(beat.payload.side, name="held_side", reset_less=True)
        held = [
            Signal(self._beat_bits, name=f"held_{number}", reset_less=True)
            for number in range(self._beats)
        ]

        m.d.comb += [
            beat.ready.eq(~whole.valid | whole.ready),
            taken.eq(beat.valid & beat.ready),
            begins.eq(place == 0),
            is_few.eq(Mux(begins, self.few, was_few)),
            ends.eq(place == Mux(is_few, self._few_beats - 1, self._beats - 1)),
            whole.payload.data.eq(Cat(held)[: self._bits]),
            whole.payload.side.eq(side),
        ]
        with m.If(taken):
            m.d.sync += [place.eq(Mux(ends, 0, place + 1)), whole.valid.eq(ends)]
        with m.Elif(whole.ready):
            m.d.sync += whole.valid.eq(0)
        with m.If(self.drop):
            m.d.sync += [place.eq(0), whole.valid.eq(0)]
        with m.If(taken & begins):
            m.d.sync += [side.eq(beat.payload.side), was_few.eq(self.few)]
        for number, register in enumerate(held):
            with m.If(taken & (place == number)):
                m.d.sync += register.eq(beat.payload.data)
        return m
