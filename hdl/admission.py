"""Whether a token may enter, and when it is launched."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig


class Admission(wiring.Component):
    """Accepts a token when the arrays and a place for its result are free, and launches it.

    A token is launched in the cycle of its accept. One that starts a sequence, as does the first
    after reset, is launched ``clear_cycles`` later, behind the broadcast write that ``clear_age``
    times. Reset forgets every token in flight and every result owed.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    ready : Out(1)
        A token may be accepted in this cycle; does not depend on ``accept`` or ``first``.
    accept : In(1)
        A token is transferred in this cycle; only while ``ready``.
    first : In(1)
        With ``accept``: the token starts a sequence.
    deliver : In(1)
        A result is transferred in this cycle, which frees its place.
    newest_age : In
        Cycles since the latest launch, 0 once that token is through all its phases.
    starts_sequence : Out(1)
        With ``accept``: ``first``, or no token was accepted since reset.
    launch : Out(1)
        The phases of the accepted token are counted from this cycle.
    next_clear_age : Out
        Cycles since the accept of a token that starts a sequence, as of the next cycle; 0: none.
    """

    def __init__(self, config: HeadConfig) -> None:
        self._timing = config.timing
        super().__init__(
            {
                "ready": Out(1),
                "accept": In(1),
                "first": In(1),
                "deliver": In(1),
                "newest_age": In(range(self._timing.out.end + 1)),
                "starts_sequence": Out(1),
                "launch": Out(1),
                "next_clear_age": Out(range(self._timing.v_write.end + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timing = self._timing

        fresh = Signal(init=1)
        clear_age = Signal.like(self.next_clear_age)
        m.d.comb += self.starts_sequence.eq(self.first | fresh)
        m.d.sync += clear_age.eq(self.next_clear_age)
        with m.If(self.accept & self.starts_sequence):
            m.d.comb += self.next_clear_age.eq(1)
            m.d.sync += fresh.eq(0)
        with m.Elif((clear_age != 0) & (clear_age != timing.v_write.end)):
            m.d.comb += self.next_clear_age.eq(clear_age + 1)

        late_launch = clear_age == timing.clear_cycles
        launch_pending = (clear_age != 0) & (clear_age <= timing.clear_cycles)
        m.d.comb += self.launch.eq((self.accept & ~self.starts_sequence) | late_launch)

        owed = Signal(range(timing.result_places + 1))
        place_free = owed != timing.result_places
        interval_over = (self.newest_age == 0) | (self.newest_age >= timing.interval_cycles)
        m.d.comb += self.ready.eq(~launch_pending & interval_over & place_free)
        m.d.sync += owed.eq(owed + self.accept - self.deliver)
        return m
