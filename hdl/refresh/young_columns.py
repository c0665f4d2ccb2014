"""Tells which columns were written so lately that a visit may skip them."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape


class YoungColumns(wiring.Component):
    """Tells whether a column was written in the current segment or in the one before.

    Tokens are written in the order of the ring, so it is enough to count them in each segment: the
    young columns are the latest ones behind the pointer. After the clear that starts a sequence all
    columns are young. A token counts from its accept, a few cycles before its write: columns look
    older than they are, never younger.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    advance, first : In(1)
        As for ``WritePointer``.
    segment_ends : In(1)
        From ``RefreshTimer``: the last cycle of a segment.
    newest_tile, newest_column : In
        Ring place of the newest token.
    tile, column : In
        The column in question.
    young : Out(1)
        The column is young, provided it holds a token of the sequence.
    cleared : Out(1)
        All columns are young: the sequence started lately.
    """

    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        super().__init__(
            {
                "advance": In(1),
                "first": In(1),
                "segment_ends": In(1),
                "newest_tile": In(index_shape(config.ring_tiles)),
                "newest_column": In(index_shape(config.columns)),
                "tile": In(index_shape(config.tiles)),
                "column": In(index_shape(config.columns)),
                "young": Out(1),
                "cleared": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        window = config.window
        tokens = Signal(range(window + 1))
        tokens_before = Signal(range(window + 1))
        start = Signal()
        start_before = Signal()

        # The token of this cycle belongs to the segment that begins with the next one.
        with m.If(self.segment_ends):
            m.d.sync += [
                tokens_before.eq(tokens),
                tokens.eq(self.advance),
                start_before.eq(start),
                start.eq(0),
            ]
        with m.Elif(self.advance & (tokens != window)):
            m.d.sync += tokens.eq(tokens + 1)
        with m.If(self.advance & self.first):
            m.d.sync += [tokens.eq(1), tokens_before.eq(0), start.eq(1)]

        distance = Signal(signed(window.bit_length() + 1))
        behind = Signal(range(window))
        newest = self.newest_tile * config.columns + self.newest_column
        asked = self.tile * config.columns + self.column
        in_ring = self.tile != config.ring_tiles
        m.d.comb += [
            distance.eq(newest - asked),
            behind.eq(Mux(distance < 0, distance + window, distance)),
            self.cleared.eq(start | start_before),
            self.young.eq(self.cleared | (in_ring & (behind < tokens + tokens_before))),
        ]
        return m
