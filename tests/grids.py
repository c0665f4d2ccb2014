"""Grids of cases whose first ones stand for all in the inner loop, `make quick`."""

from collections.abc import Iterable

import pytest


def rest_slow(cases: Iterable[object], quick: int = 1) -> list[object]:
    """All ``cases``; those behind the first ``quick`` ones are marked slow."""
    cases = list(cases)
    return [*cases[:quick], *(pytest.param(case, marks=pytest.mark.slow) for case in cases[quick:])]
