"""How often every column is visited so that no value is ever read beyond its bound, in cycles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gaincell.config import HeadConfig

SEGMENTS = 8
"""Segments of a sweep. Columns written in the current or the latest complete one are young."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The distributed refresh of ``stored_columns`` columns, one visit after the other.

    A visit lasts ``visit_cycles`` and looks after one column. Unless the column is young it is
    written again: with its data, if they come within the first ``patience_cycles`` of the visit, or
    else with code 0. Tokens come first for as long; then they wait until the write has begun. The
    write is over when the visit is.

    A column skipped because it was young is at most ``young_cycles`` old when its visit begins, a
    sweep and a visit older when its next one ends: ``bound_cycles`` is never exceeded.
    """

    stored_columns: int
    bound_cycles: int
    visit_cycles: int
    patience_cycles: int
    segment_visits: int

    @property
    def sweep_cycles(self) -> int:
        """Cycles from one visit of a column to its next."""
        return self.stored_columns * self.visit_cycles

    @property
    def young_cycles(self) -> int:
        """Age below which a column counts as young: two segments."""
        return 2 * self.segment_visits * self.visit_cycles

    @classmethod
    def of(cls, config: HeadConfig) -> Retention | None:
        """The plan for ``config``; None if nothing needs refresh or ``refresh`` is off.

        It may be impossible to keep: see ``shortage``.
        """
        bound = config.bound_cycles
        if bound is None or not config.refresh:
            return None
        stored = config.stored_columns
        segment_visits = -(-stored // SEGMENTS)
        visit_cycles = bound // (stored + 2 * segment_visits + 1)
        return cls(
            stored_columns=stored,
            bound_cycles=bound,
            visit_cycles=visit_cycles,
            patience_cycles=visit_cycles - _write_cycles(config),
            segment_visits=segment_visits,
        )

    def shortage(self, config: HeadConfig) -> str | None:
        """Why the plan cannot be kept, in one sentence, or None.

        Between two visits that claim the arrays a waiting token must find its way in.
        """
        least = _write_cycles(config) + config.interval_cycles
        if self.visit_cycles >= least:
            return None
        needed_s = least * (self.stored_columns + 2 * self.segment_visits + 1) * config.clock_s
        return (
            f"{self.stored_columns} columns cannot be refreshed within {config.refresh_s:.3g} s: "
            f"that leaves {self.visit_cycles} cycles for each, but {least} are needed, "
            f"{needed_s:.3g} s in all; raise retention_s or retention_error, "
            "lower window or clock_s, or set refresh to false"
        )


def bound_cycles(config: HeadConfig) -> int | None:
    """Whole cycles after its write for which a value may be read; None if for ever."""
    refresh_s = config.refresh_s
    return None if math.isinf(refresh_s) else math.floor(refresh_s / config.clock_s)


def _write_cycles(config: HeadConfig) -> int:
    """Most cycles from the end of patience to the end of the write that follows.

    The column is given up one cycle later if a token entered just before, and another token may
    enter in that cycle. A refresh is written at the offsets of a token, so that it must wait until
    the arrays could be written for the next one.
    """
    timing = config.timing
    return 1 + timing.arrays_cycles + timing.v_write.end
