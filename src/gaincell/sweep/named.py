"""Points that a sweep file gives one by one, each with a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gaincell.tables import shown

NAMED = "named"


def named_points(
    table: Any, varied: Sequence[str], fixed: Mapping[str, Any]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Names and values of the points in the table [named].

    The first one gives all that varies; each other one what differs from it.

    Parameters
    ----------
    varied : names that other points vary; without any, the first named point may give any
    fixed : values of all points, by name

    Raises
    ------
    TypeError, ValueError
        It is no table of tables, or the first point gives too much or too little.
    """
    tables = isinstance(table, dict) and all(isinstance(own, dict) for own in table.values())
    if not tables:
        raise TypeError(f"{NAMED} must be a table of tables, such as [{NAMED}.base]")
    if not table:
        return [], []
    first, base = next(iter(table.items()))
    if missing := [name for name in varied if name not in base]:
        raise ValueError(
            f"[{NAMED}] {first} lacks {missing[0]}: the first point there gives all that varies"
        )
    if both := [name for name in base if name in fixed]:
        raise ValueError(f"{both[0]} is set twice: fix it, or vary it in [{NAMED}]")
    known = varied or base
    for name, own in table.items():
        if extra := [key for key in own if key not in known]:
            what = "does not vary" if varied else f"{first}, the first point there, does not"
            raise ValueError(f"[{NAMED}] {name} sets {shown(extra[0])}, which {what}")
    order = list(known)
    points = [{**base, **own} for own in table.values()]
    return list(table), [{key: point[key] for key in order} for point in points]
