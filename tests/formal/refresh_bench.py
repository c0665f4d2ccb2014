# amaranth: UnusedElaboratable=no
"""Refresh and write pointer by themselves: what the rest of the head does to them is assumed.

``rules`` says what is assumed. The same rules are proved of the whole head, in
``properties/refresh.py``, so that what is proved here holds there.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from amaranth import Mux, Signal
from amaranth.hdl import Value
from formal.bench import Bench

from gaincell.config import HeadConfig
from gaincell.hdl.refresh.refresh import Refresh
from gaincell.hdl.write_pointer import WritePointer


def elapsed(b: Bench, config: HeadConfig) -> Signal:
    """Cycles since the visit began; visits follow each other from reset on, each as long."""
    last = config.retention.visit_cycles - 1
    cycles = b.counter("shadow_elapsed", last)
    b.m.d.sync += cycles.eq(Mux(cycles == last, 0, cycles + 1))
    return cycles


def rules(b: Bench, refresh: Refresh, config: HeadConfig) -> Iterator[Value]:
    """What admission does to refresh, whatever the head's streams do."""
    advance, first, launch = refresh.advance, refresh.first, refresh.launch
    b.shadow_elapsed = elapsed(b, config)
    begins = b.shadow_elapsed == 0
    over = config.timing.v_write.end - 1
    yield ~launch | refresh.wanted
    yield ~begins | ~(refresh.wanted | refresh.urgent)
    yield ~begins | (refresh.age == 0) | (refresh.age > over)
    yield ~launch | (refresh.age == 0) | (refresh.age > over)
    yield ~launch | ~(advance | b.held(advance))
    yield ~advance | ~b.held(advance)
    yield ~(advance & refresh.urgent)
    clearing = [b.held(advance & first)]
    for _ in range(config.timing.clear_cycles - 1):
        clearing.append(b.held(clearing[-1]))
    for before in clearing:
        yield ~before | ~(advance | launch)


class RefreshBench(Bench):
    """The two components, wired as in a head; every stream is free."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.refresh = refresh = Refresh(config, config.timing, config.retention)
        self.pointer = pointer = WritePointer(config)
        self.parts = self.add("refresh", refresh).submodules
        self.add("pointer", pointer)
        self.request = refresh.request
        for wire in (
            *(refresh.advance, refresh.first, refresh.launch, refresh.request.ready),
            *(refresh.response_valid, refresh.response_tag),
        ):
            self.free(wire)
        begun = Signal()
        with self.m.If(refresh.advance):
            self.m.d.sync += begun.eq(1)
        self.assume(begun | ~refresh.advance | refresh.first)
        self.m.d.comb += [
            pointer.advance.eq(refresh.advance),
            pointer.first.eq(refresh.first),
            refresh.newest_tile.eq(pointer.ring_tile),
            refresh.newest_column.eq(pointer.column),
            refresh.fill.eq(pointer.fill),
            refresh.write_tile.eq(pointer.tile),
        ]
        for rule in rules(self, refresh, config):
            self.assume(rule)
        stalls = self.held(refresh.response_valid & ~refresh.response_ready)
        unchanged = refresh.response_tag == self.held(refresh.response_tag)
        self.assume(~stalls | (refresh.response_valid & unchanged))
        self.starts = refresh.advance & refresh.first

    def any_column(self) -> tuple[Signal, Signal]:
        """A column of the ring or of the sink, any, always the same one."""
        config = self.config
        tile = self.constant("tile", config.tiles)
        column = self.constant("column", config.columns)
        self.assume((tile < config.ring_tiles) | (column < config.sink))
        return tile, column

    def age_of(self, name: str, tile: Signal, column: Signal) -> tuple[Signal, Signal]:
        """Cycles since the latest write of a column's K or V ended, 0 before the first write; and
        whether another was begun since: a token accepted, or a refresh or a clear launched."""
        refresh, bound = self.refresh, self.config.bound_cycles
        visit = self.config.retention.visit_cycles
        end = getattr(self.config.timing, f"{name}_write").end
        again = refresh.launch & (refresh.tile == tile) & (refresh.column == column)
        begun = [again | self.starts]
        for cycle in range(1, end):
            token = self.token_stored(tile, column) if cycle == 1 else 0
            begun.append(self.wire(f"{name}_begun_{cycle}", self.held(begun[-1]) | token))
        # An age kept as visits begun since and the cycle of a visit in which the write ended
        # changes seldom; that is what makes the proof quick. It is exact up to the bound.
        most = bound // visit + 2
        written = Signal(name=f"{name}_written")
        visits = self.counter(f"{name}_visits", most)
        phase = self.counter(f"{name}_phase", visit - 1)
        after = Mux(self.shadow_elapsed == visit - 1, 0, self.shadow_elapsed + 1)
        with self.m.If(begun[-1]):
            self.m.d.sync += [visits.eq(0), phase.eq(after), written.eq(1)]
        with self.m.Elif(written & (after == 0) & (visits != most)):
            self.m.d.sync += visits.eq(visits + 1)
        age = Mux(written, visits * visit + self.shadow_elapsed - phase, 0)
        return self.wire(f"{name}_age", age), self.wire(f"{name}_pending", reduce(or_, begun[1:]))

    def token_stored(self, tile: Signal, column: Signal) -> Value:
        """A token, not the first, was accepted for a column in the cycle before."""
        return self._stored(self.refresh.advance & ~self.refresh.first, tile, column)

    def first_stored(self, tile: Signal, column: Signal) -> Value:
        """The first token of a sequence was accepted for a column in the cycle before."""
        return self._stored(self.starts, tile, column)

    def _stored(self, accepted: Value, tile: Signal, column: Signal) -> Value:
        here = (self.pointer.tile == tile) & (self.pointer.column == column)
        return self.held(accepted) & here

    def lately_written(self, tile: Signal, column: Signal) -> Signal:
        """Whether a column was written in the current segment, and in the one before.

        ``in_segment`` counts the cycles since the segment began.
        """
        plan = self.config.retention
        visits = self.counter("segment_visit", plan.segment_visits - 1)
        visit_ends = self.shadow_elapsed == plan.visit_cycles - 1
        segment_ends = visit_ends & (visits == plan.segment_visits - 1)
        self.in_segment = self.wire("in_segment", visits * plan.visit_cycles + self.shadow_elapsed)
        lately = Signal(2, name="lately")
        # A token's slot is known in the cycle after its accept; so is the segment it counts for.
        now = self.wire("lately_now", lately | self.token_stored(tile, column))
        with self.m.If(visit_ends):
            self.m.d.sync += visits.eq(Mux(segment_ends, 0, visits + 1))
        self.m.d.sync += lately.eq(Mux(segment_ends, now << 1, now))
        with self.m.If(self.starts):
            self.m.d.sync += lately.eq(1)
        return now

    def since_visit(self, tile: Signal, column: Signal) -> Signal:
        """Cycles since the latest visit of a column began; visits go round the columns in order."""
        plan, config = self.config.retention, self.config
        here = self.refresh.tile * config.columns + self.refresh.column
        ours = tile * config.columns + column
        ahead = Mux(here >= ours, here - ours, here + plan.stored_columns - ours)
        return self.wire("since_visit", ahead * plan.visit_cycles + self.shadow_elapsed)
