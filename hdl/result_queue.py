"""Results wait here until they are taken; every accepted query has a place reserved."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class ResultQueue(wiring.Component):
    """A queue of ``places`` results: ``places - 1`` registers, and the readout's own total.

    With one place a result is valid in the cycle of ``done``, otherwise one cycle later. It stays
    valid and unchanged until it is taken. ``Admission`` reserves the places, so the readout never
    starts a new sum while its total still waits here. Reset empties the queue.

    Parameters
    ----------
    width : int
        Bits of a result.
    places : int
        Results that can wait, ``Schedule.result_places``; >= 1.

    Members
    -------
    done : In(1)
        ``total`` is a new result.
    total : In
        Must hold until the next ``done``, or until it has moved to a register.
    result : Out(stream)
        Results in the order of ``done``, as ``total``.
    """

    def __init__(self, *, width: int, places: int) -> None:
        self._registers = places - 1
        self._width = width
        super().__init__(
            {
                "done": In(1),
                "total": In(self._width),
                "result": Out(stream.Signature(self._width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting = Signal()
        available = Signal()
        taken = Signal()
        m.d.comb += available.eq(self.done | waiting)
        m.d.sync += waiting.eq(available & ~taken)

        valid, payload, free = available, self.total, taken
        for place in reversed(range(self._registers)):
            held = Signal(self._width, name=f"held_{place}", reset_less=True)
            holds = Signal(name=f"holds_{place}")
            leaves = Signal(name=f"leaves_{place}")
            m.d.comb += free.eq(valid & (~holds | leaves))
            with m.If(valid & (holds == leaves)):
                m.d.sync += [held.eq(payload), holds.eq(1)]
            with m.Elif(leaves):
                m.d.sync += holds.eq(0)
            if place == 0:
                valid, payload, free = holds, held, leaves
            else:  # an empty register lets a result pass: each result waits one cycle only
                offered = Signal(self._width, name=f"offered_{place}")
                offers = Signal(name=f"offers_{place}")
                m.d.comb += [
                    offered.eq(Mux(holds, held, payload)),
                    offers.eq(holds | valid),
                ]
                valid, payload, free = offers, offered, leaves
        m.d.comb += [
            self.result.valid.eq(valid),
            self.result.payload.eq(payload),
            free.eq(valid & self.result.ready),
        ]
        return m
