"""How often every column is visited so that no value is ever read beyond its bound, in cycles."""

from __future__ import annotations

from dataclasses import dataclass

SEGMENTS = 8
"""Segments of a sweep. Columns written in the current or the latest complete one are young."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The distributed refresh of ``stored_columns`` columns, one visit after the other.

    A visit lasts ``visit_cycles`` and looks after one column. Unless the column is young it is
    written again: with its data, if they come within the first ``patience_cycles`` of the visit, or
    else with code 0. Until then tokens come first; after that they wait until the write has begun.
    The write ends no later than the visit.

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

    @property
    def visits_in_bound(self) -> int:
        """Visits that must fit between two writes of a column: young, a sweep, and one more."""
        return _visits_in_bound(self.stored_columns, self.segment_visits)

    @classmethod
    def plan(cls, *, stored_columns: int, bound_cycles: int, refresh_cycles: int) -> Retention:
        """The longest visits with which no column grows older than ``bound_cycles``.

        ``refresh_cycles`` is as in ``Schedule``. Whether a visit is long enough for the write and
        for a token besides is for the caller to check.
        """
        segment_visits = -(-stored_columns // SEGMENTS)
        visit_cycles = bound_cycles // _visits_in_bound(stored_columns, segment_visits)
        return cls(
            stored_columns=stored_columns,
            bound_cycles=bound_cycles,
            visit_cycles=visit_cycles,
            patience_cycles=visit_cycles - refresh_cycles,
            segment_visits=segment_visits,
        )


def _visits_in_bound(stored_columns: int, segment_visits: int) -> int:
    return stored_columns + 2 * segment_visits + 1
