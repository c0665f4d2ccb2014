"""Decides when a query is accepted, and when a query or a refresh is launched."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.hdl.write_age import write_age
from gaincell.schedule import Schedule


class Admission(wiring.Component):
    """Accepts a query when the arrays and a place for its result are free, and launches it.

    A query is launched in the cycle in which it is accepted. The first query of a sequence is
    launched ``clear_cycles`` later, behind the broadcast write that clears the arrays; the first
    query after reset always starts a sequence.

    A refresh is launched when the arrays can be written. It gives way to a query that is offered
    and has a place for its result, unless the refresh is urgent: then it comes before all queries.
    A refresh delays the next query by at most ``clear_cycles``: its write, and a cycle in which the
    write enable is low.

    After reset no query is in flight and no result is owed.

    Parameters
    ----------
    timing : Schedule
    refreshes : bool
        The head refreshes its columns; otherwise it has no logic for it.

    Members
    -------
    offered : In(1)
        A query is offered.
    ready : Out(1)
        A query can be accepted in this cycle. Does not depend on ``offered``.
    first, further : In(1)
        With ``offered``: as in ``token_layout``.
    deliver : In(1)
        A result is transferred in this cycle; its place becomes free.
    newest_age : In
        Cycles since the latest launch; 0 after the last phase of that query.
    accept : Out(1)
        A query is transferred in this cycle.
    starts_sequence : Out(1)
        With ``accept``: the query has ``first``, or is the first one since reset.
    writes : Out(1)
        With ``accept``: the query brings the key and value of a token.
    launch : Out(1)
        The phases of the accepted query are counted from this cycle.
    launch_writes : Out(1)
        With ``launch``: key and value are written.
    clear_launch : Out(1)
        A clear is launched in this cycle: a query is accepted that starts a sequence.
    clear_age : Out
        Cycles since then; 0 after the clear.
    refresh_wanted : In(1)
        A refresh waits to be launched.
    refresh_urgent : In(1)
        With ``refresh_wanted``: no query may be accepted before it.
    refresh_age : In
        Cycles since the launch of the latest refresh; 0 after its write.
    refresh_launch : Out(1)
        The refresh is launched in this cycle.
    """

    def __init__(self, timing: Schedule, *, refreshes: bool) -> None:
        self._timing = timing
        self._refreshes = refreshes
        write_age = range(self._timing.v_write.end + 1)
        super().__init__(
            {
                "offered": In(1),
                "ready": Out(1),
                "first": In(1),
                "further": In(1),
                "deliver": In(1),
                "newest_age": In(range(self._timing.out.end + 1)),
                "accept": Out(1),
                "starts_sequence": Out(1),
                "writes": Out(1),
                "launch": Out(1),
                "launch_writes": Out(1),
                "clear_launch": Out(1),
                "clear_age": Out(write_age),
                "refresh_wanted": In(1),
                "refresh_urgent": In(1),
                "refresh_age": In(write_age),
                "refresh_launch": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timing = self._timing

        fresh = Signal(init=1)
        m.d.comb += [
            self.accept.eq(self.offered & self.ready),
            self.starts_sequence.eq(self.first | fresh),
            self.writes.eq(self.starts_sequence | ~self.further),
        ]
        with m.If(self.accept):
            m.d.sync += fresh.eq(0)

        clear_age = write_age(m, self.clear_launch, timing)
        late_launch = clear_age == timing.clear_cycles
        launch_pending = (clear_age != 0) & (clear_age <= timing.clear_cycles)
        m.d.comb += [
            self.clear_launch.eq(self.accept & self.starts_sequence),
            self.clear_age.eq(clear_age),
            self.launch.eq((self.accept & ~self.starts_sequence) | late_launch),
            self.launch_writes.eq(late_launch | ~self.further),
        ]

        owed = Signal(range(timing.result_places + 1))
        place_free = Signal()
        interval_over = (self.newest_age == 0) | (self.newest_age >= timing.interval_cycles)
        may_launch = Signal()
        m.d.comb += [
            place_free.eq(owed != timing.result_places),
            may_launch.eq(~launch_pending & interval_over & place_free),
        ]
        m.d.sync += owed.eq(owed + self.accept - self.deliver)
        if not self._refreshes:
            m.d.comb += self.ready.eq(may_launch)
            return m

        arrays_free = (self.newest_age == 0) | (self.newest_age >= timing.arrays_cycles)
        arrays_taken = (self.refresh_age != 0) & (self.refresh_age < timing.clear_cycles)
        query_first = self.offered & place_free & ~self.refresh_urgent
        m.d.comb += [
            self.ready.eq(may_launch & ~arrays_taken & ~self.refresh_urgent),
            self.refresh_launch.eq(
                self.refresh_wanted & arrays_free & ~launch_pending & ~query_first
            ),
        ]
        return m
