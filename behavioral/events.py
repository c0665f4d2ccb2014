"""The event log: the cycle of every column write and of every read of the arrays."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype(
    [("cycle", "<i8"), ("array", "<U1"), ("kind", "<U7"), ("slot", "<i4"), ("token", "<i8")]
)
"""One event on an array; a log holds them in the order of time.

cycle : end of the write, or start of the read (first cycle in which the new state holds)
array : "K" or "V"
kind : "write" (a token's column), "refresh" (the same data again), "clear", "read" (a query)
slot : ring slot, or ``window`` + column for the sink's sub-tile; -1 for all (broadcast, read)
token : index of the token written, refreshed or reading; -1 for a clear. A token of G queries
    reads G times
"""

ARRAYS = ("K", "V")
KINDS = ("write", "refresh", "clear", "read")

Events = NDArray[np.void]


def event_log(events: Iterable[tuple[int, str, str, int, int]]) -> Events:
    """Events as an array of dtype ``EVENT``, sorted by cycle; equal cycles keep their order."""
    log = np.array(list(events), dtype=EVENT)
    return log[np.argsort(log["cycle"], kind="stable")]


def check_events(events: NDArray[Any], tokens: int, stored_columns: int) -> None:
    """Refuse a log that is not of dtype EVENT or names a token or slot that does not exist.

    Raises
    ------
    TypeError
        Wrong dtype.
    ValueError
        An unknown array or kind, a write, refresh or read without its token, a write or refresh
        without its slot, or a token or slot out of range.
    """
    if not isinstance(events, np.ndarray) or events.dtype != EVENT:
        raise TypeError("events must be an array of dtype gaincell.behavioral.events.EVENT")
    if events.size and not -1 <= events["token"].min() <= events["token"].max() < tokens:
        raise ValueError(f"events name tokens outside 0..{tokens - 1}")
    for field, known in (("array", ARRAYS), ("kind", KINDS)):
        unknown = events[field][~np.isin(events[field], known)]
        if unknown.size:
            raise ValueError(f'events name the {field} "{unknown[0]}", but know {", ".join(known)}')
    lacking = events["kind"][(events["kind"] != "clear") & (events["token"] < 0)]
    if lacking.size:
        raise ValueError(f"events hold a {lacking[0]} without its token")
    if events.size and not -1 <= events["slot"].min() <= events["slot"].max() < stored_columns:
        raise ValueError(f"events name slots outside 0..{stored_columns - 1}")
    lacking = events["kind"][np.isin(events["kind"], ("write", "refresh")) & (events["slot"] < 0)]
    if lacking.size:
        raise ValueError(f"events hold a {lacking[0]} without its slot")
