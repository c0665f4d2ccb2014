"""Counts through the columns: which one is under visit, and for how many cycles already."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape
from gaincell.retention import Retention


class RefreshTimer(wiring.Component):
    """Visits one column after the other, each for the ``visit_cycles`` of ``plan``.

    The ring comes first, then the sink, then the ring again, whatever tokens do. After reset the
    visit of column 0 begins.

    Parameters
    ----------
    config : HeadConfig
    plan : Retention

    Members
    -------
    elapsed : Out
        Cycles since the visit began.
    late : Out(1)
        Patience is over: the visit no longer waits for data or for tokens.
    segment_ends : Out(1)
        The last cycle of a segment.
    tile, column : Out
        The column under visit.
    """

    def __init__(self, config: HeadConfig, plan: Retention) -> None:
        self._config = config
        self._plan = plan
        super().__init__(
            {
                "elapsed": Out(range(self._plan.visit_cycles)),
                "late": Out(1),
                "segment_ends": Out(1),
                "tile": Out(index_shape(config.tiles)),
                "column": Out(index_shape(config.columns)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan = self._plan
        visit_ends = Signal()
        visits = Signal(range(plan.segment_visits))

        # Decided a cycle ahead, so that the count of columns has a whole cycle.
        m.d.sync += visit_ends.eq(self.elapsed == plan.visit_cycles - 2)
        m.d.comb += self.segment_ends.eq(visit_ends & (visits == plan.segment_visits - 1))
        m.d.sync += self.elapsed.eq(Mux(visit_ends, 0, self.elapsed + 1))
        with m.If(visit_ends):
            m.d.sync += [
                self.late.eq(0),
                visits.eq(Mux(self.segment_ends, 0, visits + 1)),
            ]
            self._next_column(m)
        with m.Elif(self.elapsed == plan.patience_cycles - 1):
            m.d.sync += self.late.eq(1)
        return m

    def _next_column(self, m: Module) -> None:
        config = self._config
        tile_ends = self.column == config.columns - 1
        sweep_ends = tile_ends & (self.tile == config.ring_tiles - 1)
        if config.sink:
            sweep_ends = (self.column == config.sink - 1) & (self.tile == config.ring_tiles)
        with m.If(sweep_ends):
            m.d.sync += [self.tile.eq(0), self.column.eq(0)]
        with m.Elif(tile_ends):
            m.d.sync += [self.tile.eq(self.tile + 1), self.column.eq(0)]
        with m.Else():
            m.d.sync += self.column.eq(self.column + 1)
