"""Counts tokens: in which sub-tile and column the newest one is stored."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape


class WritePointer(wiring.Component):
    """Sub-tile and column of the newest token, and how many tokens the window holds.

    Token t of a sequence goes to ring slot t mod M. The first ``sink`` tokens go to the same
    columns of the sink's sub-tile instead, the last one. Outputs change in the cycle after
    ``advance`` and hold until the next. After reset nothing is stored.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    advance : In(1)
        A token is accepted.
    first : In(1)
        With ``advance``: the token is the first of a sequence.
    tile, column : Out
        Place of the newest token.
    ring_tile : Out
        Sub-tile that the newest token would have without a sink.
    fill : Out
        Tokens of the sequence that are stored, 0..window + sink.
    """

    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        super().__init__(
            {
                "advance": In(1),
                "first": In(1),
                "tile": Out(index_shape(config.tiles)),
                "column": Out(index_shape(config.columns)),
                "ring_tile": Out(index_shape(config.ring_tiles)),
                "fill": Out(range(config.stored_columns + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        in_sink = Signal()

        with m.If(self.advance):
            with m.If(self.first):
                m.d.sync += [
                    self.ring_tile.eq(0),
                    self.column.eq(0),
                    in_sink.eq(config.sink > 0),
                ]
            with m.Elif(self.column == config.columns - 1):
                last = self.ring_tile == config.ring_tiles - 1
                m.d.sync += [
                    self.column.eq(0),
                    self.ring_tile.eq(Mux(last, 0, self.ring_tile + 1)),
                    in_sink.eq(0),
                ]
            with m.Else():
                m.d.sync += self.column.eq(self.column + 1)
                if config.sink:
                    with m.If(self.column == config.sink - 1):
                        m.d.sync += in_sink.eq(0)

            with m.If(self.first):
                m.d.sync += self.fill.eq(1)
            with m.Elif(self.fill != config.stored_columns):
                m.d.sync += self.fill.eq(self.fill + 1)

        m.d.comb += self.tile.eq(Mux(in_sink, config.ring_tiles, self.ring_tile))
        return m
