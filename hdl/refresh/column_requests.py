"""Sends requests for the digital copies of columns and keeps track of the unanswered ones."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import TAGS, index_shape, request_layout


class ColumnRequests(wiring.Component):
    """Sends one request at a time and gives each a tag that no unanswered request has.

    Every request must be answered once, in any order. Reset forgets all requests: the memory that
    answers must drop the requests it got before.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    ask : In(1)
        Send a request for ``tile``, ``column``.
    asked : Out(1)
        With ``ask``: the request leaves for the stream in this cycle.
    tag : Out
        Tag of the latest request.
    answered : In(1)
        The request with ``answered_tag`` is answered in this cycle.
    request : Out(stream)
        Valid from the cycle after ``asked`` until taken.
    """

    def __init__(self, config: HeadConfig) -> None:
        super().__init__(
            {
                "ask": In(1),
                "tile": In(index_shape(config.tiles)),
                "column": In(index_shape(config.columns)),
                "asked": Out(1),
                "tag": Out(index_shape(TAGS)),
                "answered": In(1),
                "answered_tag": In(index_shape(TAGS)),
                "request": Out(stream.Signature(request_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unanswered = Signal(TAGS)
        next_tag = Signal(index_shape(TAGS))
        port_free = ~self.request.valid | self.request.ready
        tag_free = ~Cat(unanswered[tag] & (next_tag == tag) for tag in range(TAGS)).any()

        m.d.comb += self.asked.eq(self.ask & port_free & tag_free)
        with m.If(self.asked):
            m.d.sync += [
                self.request.valid.eq(1),
                self.request.payload.tile.eq(self.tile),
                self.request.payload.column.eq(self.column),
                self.request.payload.tag.eq(next_tag),
                self.tag.eq(next_tag),
                next_tag.eq(next_tag + 1),
            ]
        with m.Elif(self.request.ready):
            m.d.sync += self.request.valid.eq(0)
        for tag in range(TAGS):
            with m.If(self.asked & (next_tag == tag)):
                m.d.sync += unanswered[tag].eq(1)
            with m.Elif(self.answered & (self.answered_tag == tag)):
                m.d.sync += unanswered[tag].eq(0)
        return m
