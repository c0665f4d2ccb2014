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
    ``advance`` and hold until the next, but ``next_tile`` and ``next_column``. After reset nothing
    is stored.

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
    next_tile, next_column : Out
        ``tile`` and ``column`` in the next cycle.
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
                "next_tile": Out(index_shape(config.tiles)),
                "next_column": Out(index_shape(config.columns)),
                "ring_tile": Out(index_shape(config.ring_tiles)),
                "fill": Out(range(config.stored_columns + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        column, ring_tile, in_sink = self.column, self.ring_tile, Signal()
        next_column, next_ring_tile = (
            self.next_column,
            Signal.like(ring_tile, name="next_ring_tile"),
        )
        next_in_sink = Signal()

        m.d.comb += [
            next_column.eq(column),
            next_ring_tile.eq(ring_tile),
            next_in_sink.eq(in_sink),
        ]
        with m.If(self.advance):
            with m.If(self.first):
                m.d.comb += [
                    next_ring_tile.eq(0),
                    next_column.eq(0),
                    next_in_sink.eq(config.sink > 0),
                ]
            with m.Elif(column == config.columns - 1):
                last = ring_tile == config.ring_tiles - 1
                m.d.comb += [
                    next_column.eq(0),
                    next_ring_tile.eq(Mux(last, 0, ring_tile + 1)),
                    next_in_sink.eq(0),
                ]
            with m.Else():
                m.d.comb += next_column.eq(column + 1)
                if config.sink:
                    with m.If(column == config.sink - 1):
                        m.d.comb += next_in_sink.eq(0)

            with m.If(self.first):
                m.d.sync += self.fill.eq(1)
            with m.Elif(self.fill != config.stored_columns):
                m.d.sync += self.fill.eq(self.fill + 1)

        m.d.sync += [
            column.eq(next_column),
            ring_tile.eq(next_ring_tile),
            in_sink.eq(next_in_sink),
        ]
        m.d.comb += [
            self.tile.eq(Mux(in_sink, config.ring_tiles, ring_tile)),
            self.next_tile.eq(Mux(next_in_sink, config.ring_tiles, next_ring_tile)),
        ]
        return m
