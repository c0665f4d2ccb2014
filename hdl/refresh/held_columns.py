"""Tells whether a column holds a token."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape


class HeldColumns(wiring.Component):
    """Tells whether a column was written in the sequence, by the ring's newest place and its fill.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    newest_tile, newest_column : In
        Ring place of the newest token.
    fill : In
        From ``WritePointer``.
    tile, column : In
        The column in question.
    holds : Out(1)
        The column in question holds a token of the sequence.
    """

    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        super().__init__(
            {
                "newest_tile": In(index_shape(config.ring_tiles)),
                "newest_column": In(index_shape(config.columns)),
                "fill": In(range(config.stored_columns + 1)),
                "tile": In(index_shape(config.tiles)),
                "column": In(index_shape(config.columns)),
                "holds": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        full = self.fill == config.stored_columns
        second_lap = self.fill > config.window
        passed = Cat(self.column, self.tile) <= Cat(self.newest_column, self.newest_tile)
        if not config.sink:
            m.d.comb += self.holds.eq(full | passed)
            return m
        # Ring slots of the sink's tokens stay empty in the first lap.
        skipped = Signal()
        m.d.comb += skipped.eq((self.tile == 0) & (self.column < config.sink))
        in_ring = Mux(skipped, second_lap & passed, second_lap | passed)
        in_sink = (self.fill > config.sink) | (self.column <= self.newest_column)
        m.d.comb += self.holds.eq(full | Mux(self.tile == config.ring_tiles, in_sink, in_ring))
        return m
