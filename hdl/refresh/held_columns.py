"""Tells whether a column holds a token."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape
from gaincell.hdl.refresh.dropped_marks import DroppedMarks


class HeldColumns(wiring.Component):
    """Tells whether a column holds a token of the sequence that was not dropped.

    The write pointer shows which columns were written in the sequence. A memory of one bit per
    column marks the columns that were dropped since. The memory needs no reset: each token writes
    the bit of its column.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    newest_tile, newest_column : In
        Ring place of the newest token.
    fill : In
        From ``WritePointer``.
    written : In(1)
        A token was accepted for ``write_tile``, ``newest_column`` in the cycle before.
    write_tile : In
        Its sub-tile.
    drop : In(1)
        The column at ``tile``, ``column`` loses its token. Must not come with ``written``.
    tile, column : In
        The column in question.
    holds : Out(1)
        The column in question holds a token. Valid from the second cycle of a new question, unless
        a token was ``written`` to that column in the first.
    """

    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        super().__init__(
            {
                "newest_tile": In(index_shape(config.ring_tiles)),
                "newest_column": In(index_shape(config.columns)),
                "fill": In(range(config.stored_columns + 1)),
                "written": In(1),
                "write_tile": In(index_shape(config.tiles)),
                "drop": In(1),
                "tile": In(index_shape(config.tiles)),
                "column": In(index_shape(config.columns)),
                "holds": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        m.submodules.dropped = dropped = DroppedMarks(config.tiles, config.columns)
        m.d.comb += [
            dropped.write.eq(self.written | self.drop),
            dropped.write_tile.eq(Mux(self.drop, self.tile, self.write_tile)),
            dropped.write_column.eq(Mux(self.drop, self.column, self.newest_column)),
            dropped.mark.eq(self.drop),
            dropped.read_tile.eq(self.tile),
            dropped.read_column.eq(self.column),
        ]

        full = self.fill == config.stored_columns
        second_lap = self.fill > config.window
        passed = Cat(self.column, self.tile) <= Cat(self.newest_column, self.newest_tile)
        stored = Signal()
        if config.sink:
            # Ring slots of the sink's tokens stay empty in the first lap.
            skipped = (self.tile == 0) & (self.column < config.sink)
            in_ring = Mux(skipped, second_lap & passed, second_lap | passed)
            in_sink = (self.fill > config.sink) | (self.column <= self.newest_column)
            m.d.comb += stored.eq(full | Mux(self.tile == config.ring_tiles, in_sink, in_ring))
        else:
            m.d.comb += stored.eq(full | passed)
        m.d.comb += self.holds.eq(stored & ~dropped.marked)
        return m
