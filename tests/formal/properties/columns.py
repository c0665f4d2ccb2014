"""Refresh by itself: ages of all columns, the data written again, the counters."""

from functools import reduce
from operator import and_

from amaranth import Mux, Signal
from amaranth.hdl import Value
from formal.refresh_bench import RefreshBench

from gaincell.hdl.layouts import TAGS


def skips_only_the_young(b: RefreshBench) -> None:
    """A column that a visit may skip was written, or cleared, in this segment or the one before."""
    tile, column = b.any_column()
    b.always(skips_rightly(b, tile, column))


def skips_rightly(b: RefreshBench, tile: Signal, column: Signal) -> Value:
    """The claim of ``skips_only_the_young``, for one column."""
    written = b.lately_written(tile, column)
    held, young = b.parts.held_columns, b.parts.young_columns
    asked = (b.refresh.tile == tile) & (b.refresh.column == column) & (b.shadow_elapsed == 1)
    skipped = Mux(held.holds, young.young, young.cleared)
    return ~(asked & skipped) | written.any()


def never_beyond_the_bound(b: RefreshBench) -> None:
    """From the first clear on no cell of K or V is ever older than the bound.

    Given ``skips_only_the_young``. Three lemmas are proved along: what was written in a segment is
    not older than the segment, and a column is no older than its visit allows.
    """
    plan = b.config.retention
    tile, column = b.any_column()
    b.assume(skips_rightly(b, tile, column))
    written, in_segment = b.lately_written(tile, column), b.in_segment
    segment = plan.segment_visits * plan.visit_cycles
    since_visit = b.since_visit(tile, column)
    in_visit = since_visit < plan.visit_cycles
    claims = []
    for name in ("k", "v"):
        age, pending = b.age_of(name, tile, column)
        claims += [
            age <= plan.bound_cycles,
            ~written[0] | pending | (age <= in_segment),
            written[0] | ~written[1] | pending | (age <= in_segment + segment),
            age <= since_visit + plan.young_cycles + Mux(in_visit, plan.sweep_cycles, 0),
        ]
    b.always(reduce(and_, claims))


def worst_age_is_true(b: RefreshBench) -> None:
    """No column was older than ``worst_age`` when it was written again, and that is within bound.

    Given ``skips_only_the_young``, with the lemmas of ``never_beyond_the_bound``.
    """
    plan = b.config.retention
    tile, column = b.any_column()
    b.assume(skips_rightly(b, tile, column))
    written, in_segment = b.lately_written(tile, column), b.in_segment
    segment = plan.segment_visits * plan.visit_cycles
    since_visit = b.since_visit(tile, column)
    in_visit = since_visit < plan.visit_cycles
    age, pending = b.age_of("k", tile, column)
    worst = b.refresh.status.worst_age
    ours = (b.refresh.tile == tile) & (b.refresh.column == column)
    end = b.config.timing.v_write.end
    ended = b.held((b.refresh.age == end - 1) & ours)
    old = b.delayed(age, end - b.config.timing.k_write.end + 1)
    claims = [
        worst <= plan.bound_cycles,
        ~ended | (old <= worst),
        ~written[0] | pending | (age <= in_segment),
        written[0] | ~written[1] | pending | (age <= in_segment + segment),
        age <= since_visit + plan.young_cycles + Mux(in_visit, plan.sweep_cycles, 0),
    ]
    b.always(reduce(and_, claims))


def writes_the_token_again(b: RefreshBench) -> None:
    """Every write to any one column has the codes of the token last accepted for it. A column that
    no token of the sequence reached, or whose data are late, gets code 0. So no write is stale.

    Requests are answered in any order, each with what the column held when it was taken: the
    current token's data or not.
    """
    refresh, pointer = b.refresh, b.pointer
    tile, column = b.any_column()
    ours = (refresh.tile == tile) & (refresh.column == column)
    stored = b.held(refresh.advance) & (pointer.tile == tile) & (pointer.column == column)
    restarted = b.held(b.starts)
    # Whether a request's answer is what the column holds: set when asked, lost with the column.
    asked = b.request.valid & b.request.ready
    named = (b.request.payload.tile == tile) & (b.request.payload.column == column)
    answered = refresh.response_valid & refresh.response_ready
    current = Signal(TAGS)
    open_ = Signal(TAGS)
    for tag in range(TAGS):
        this = asked & (b.request.payload.tag == tag)
        with b.m.If(this):
            b.m.d.sync += [open_[tag].eq(1), current[tag].eq(named)]
        with b.m.Elif(answered & (refresh.response_tag == tag)):
            b.m.d.sync += open_[tag].eq(0)
        with b.m.If(stored | restarted):
            b.m.d.sync += current[tag].eq(0)
            with b.m.If(this & named & stored & ~restarted):
                b.m.d.sync += current[tag].eq(1)
        b.assume(~(refresh.response_valid & (refresh.response_tag == tag)) | open_[tag])
        # A tag names one request at a time.
        b.always(~this | ~open_[tag])
    writes = (refresh.age != 0) & (refresh.age < b.config.timing.v_write.end) & ours
    fresh = (current >> refresh.response_tag)[0] & refresh.response_valid
    begins = refresh.launch & ours
    b.always(~begins | refresh.blank | fresh)
    b.always(~writes | refresh.blank | refresh.response_valid)
    b.always(~(writes & b.held(writes)) | (refresh.blank == b.held(refresh.blank)))


def refreshed_is_exact(b: RefreshBench) -> None:
    """``refreshed`` counts the writes with data, each when it ends."""
    refresh = b.refresh
    end = b.config.timing.v_write.end
    counted = Signal.like(refresh.status.refreshed, name="shadow_refreshed")
    with b.m.If((refresh.age == end - 1) & ~refresh.blank):
        b.m.d.sync += counted.eq(counted + 1)
    b.always(refresh.status.refreshed == counted)


def dropped_is_exact(b: RefreshBench) -> None:
    """``dropped`` counts the visits that find no data for the token of their column, each once.

    The visit gives up as its patience ends and then only, and clears the column. No other visit
    clears a column that holds a token, and each writes such a column with its data.
    """
    refresh, dropped = b.refresh, b.refresh.status.dropped
    before = b.held(dropped)
    counted = b.wire("counted", dropped[0] != before[0])
    b.always((dropped == before) | (dropped == (before + 1)[: len(before)]))
    late = b.shadow_elapsed - b.config.retention.patience_cycles
    b.always(~counted | (late == 1) | (late == 2))

    tile, column = b.any_column()
    ours = (refresh.tile == tile) & (refresh.column == column)
    stored, restarted = (
        b.token_stored(tile, column) | b.first_stored(tile, column),
        b.held(b.starts),
    )
    again = b.wire("again", refresh.launch & ours)
    lost = b.wire("lost", counted & ours)
    holds = Signal()
    given_up = Signal()
    b.always(~lost | holds)
    with b.m.If(stored | restarted):
        b.m.d.sync += [holds.eq(stored), given_up.eq(0)]
    with b.m.Elif(again):
        b.m.d.sync += given_up.eq(0)
    with b.m.Elif(lost):
        b.m.d.sync += given_up.eq(1)
    b.always(~again | (refresh.blank == ~(holds & ~(lost | given_up))))
