"""Which refresh requests wait for an answer, across resets of the core."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from gaincell.hdl.layouts import TAGS, index_shape

EPOCH_BITS = 8 - index_shape(TAGS).width
"""A tag of the bus is one byte."""


def bus_tag() -> data.StructLayout:
    """A request's tag on the bus: that of the core, and how often the core was reset."""
    return data.StructLayout({"tag": index_shape(TAGS), "epoch": EPOCH_BITS})


class ResponseTags(wiring.Component):
    """Tells answers that are asked for from others.

    The core uses a tag again after a reset. So its resets are counted, modulo 2^6, in the tags of
    the bus: the memory behind them need not hear of a reset. Reset of this component starts at 0.

    Members
    -------
    restart : In(1)
        The core is in reset: nothing waits any more. The count grows with the first such cycle.
    epoch : Out
        The count, for requests that leave the core.
    asked, asked_tag : In
        A request of this tag was taken by the bus.
    tag : In
        Of a packet that begins.
    begins : In(1)
        It begins, and is no packet to forget.
    answered : In(1)
        The packet that began latest, or begins, answers its request.
    waits : Out(1)
        ``tag`` waits for an answer.
    stale : Out(1)
        ``tag`` is of a time before a reset.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "restart": In(1),
                "epoch": Out(EPOCH_BITS),
                "asked": In(1),
                "asked_tag": In(bus_tag()),
                "tag": In(bus_tag()),
                "begins": In(1),
                "answered": In(1),
                "waits": Out(1),
                "stale": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting = Signal(TAGS)
        restarted = Signal()
        m.d.sync += restarted.eq(self.restart)
        with m.If(self.restart & ~restarted):
            m.d.sync += self.epoch.eq(self.epoch + 1)
        m.d.comb += [
            self.stale.eq(self.tag.epoch != self.epoch),
            self.waits.eq(
                ~self.stale
                & Cat(waiting[number] & (self.tag.tag == number) for number in range(TAGS)).any()
            ),
        ]
        held = Signal.like(self.tag.tag)
        answers = Mux(self.begins, self.tag.tag, held)
        m.d.sync += held.eq(answers)
        for number in range(TAGS):
            with m.If(self.answered & (answers == number)):
                m.d.sync += waiting[number].eq(0)
            with m.If(
                self.asked & (self.asked_tag.epoch == self.epoch) & (self.asked_tag.tag == number)
            ):
                m.d.sync += waiting[number].eq(1)
        with m.If(self.restart):
            m.d.sync += waiting.eq(0)
        return m
