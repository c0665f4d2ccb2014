"""Which column of which token sits where, since when, and which queries see it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.events import Events
from gaincell.config import HeadConfig

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Residents:
    """I columns held by the arrays, each unchanged over a range of queries.

    slot, token : (I,) where it is and whose key and value it holds
    begin, end : (I,) seen by the queries of tokens begin <= t < end
    k_stamp, v_stamp : (I,) when it was written, on the clock of ``k_query`` and ``v_query``
    k_query, v_query : (T,) when each token's QK and AV phases start
    """

    slot: Indices
    token: Indices
    begin: Indices
    end: Indices
    k_stamp: Indices
    v_stamp: Indices
    k_query: Indices
    v_query: Indices


def undisturbed(first: NDArray[np.bool_], config: HeadConfig) -> Residents:
    """Every token written once and never refreshed; time counts accepted tokens."""
    tokens = np.arange(first.size)
    starts = np.flatnonzero(first)
    sequence = np.cumsum(first) - 1
    position = tokens - starts[sequence]
    sequence_end = np.append(starts[1:], first.size)[sequence]
    in_sink = position < config.sink
    slot = np.where(in_sink, config.window + position, position % config.window)
    overwritten = np.where(in_sink, first.size, tokens + config.window)
    end = np.minimum(overwritten, sequence_end)
    return Residents(slot, tokens, tokens, end, tokens, tokens, tokens, tokens)


def from_events(events: Events, tokens: int, config: HeadConfig) -> Residents:
    """What the event log of a run says; time counts tokens or cycles as ``age_mode`` does.

    Raises
    ------
    ValueError
        The log lacks the read of a query.
    """
    in_cycles = config.age_mode == "time"
    histories = {}
    queries = {}
    for array in "KV":
        own = events[events["array"] == array]
        histories[array], reads = _history(own, tokens, in_cycles)
        if (reads < 0).any():
            missing = int(np.argmax(reads < 0))
            raise ValueError(f"events hold no read of array {array} by token {missing}")
        queries[array] = reads if in_cycles else np.arange(tokens)
    rows: list[tuple[int, ...]] = []
    for slot, k_spans in histories["K"].items():
        rows += _overlaps(slot, k_spans, histories["V"].get(slot, []))
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    slots, held, begin, end, k_stamp, v_stamp = table.T
    return Residents(slots, held, begin, end, k_stamp, v_stamp, queries["K"], queries["V"])


_Spans = list[tuple[int, int, int, int]]


def _history(own: Events, tokens: int, in_cycles: bool) -> tuple[dict[int, _Spans], Indices]:
    """Spans (begin, end, token, stamp) of each slot of one array, and cycles of the reads."""
    changes: dict[int, list[tuple[int, int, int]]] = {}
    reads = np.full(tokens, -1, dtype=np.int64)
    newest = next_query = 0
    for cycle, _, kind, slot, token in own.tolist():
        if kind == "read":
            reads[token] = cycle
            next_query = token + 1
            continue
        if kind == "write":
            newest = token
        stamp = cycle if in_cycles else newest
        touched = list(changes) if slot < 0 else [slot]
        for each in touched:
            changes.setdefault(each, []).append((next_query, token, stamp))
    return {slot: _spans(changed, tokens) for slot, changed in changes.items()}, reads


def _spans(changed: list[tuple[int, int, int]], tokens: int) -> _Spans:
    closed = [*changed, (tokens, -1, 0)]
    return [
        (begin, end, token, stamp)
        for (begin, token, stamp), (end, _, _) in pairwise(closed)
        if token >= 0 and begin < end
    ]


def _overlaps(slot: int, k_spans: _Spans, v_spans: _Spans) -> list[tuple[int, ...]]:
    """Where K and V of one slot hold the same token, split wherever either changes."""
    return [
        (slot, token, max(k_begin, v_begin), min(k_end, v_end), k_stamp, v_stamp)
        for k_begin, k_end, token, k_stamp in k_spans
        for v_begin, v_end, v_token, v_stamp in v_spans
        if token == v_token and max(k_begin, v_begin) < min(k_end, v_end)
    ]


def check_residents(residents: Residents, slots: int) -> None:
    """Refuse slots that the geometry does not have; raises ValueError."""
    slot: NDArray[Any] = residents.slot
    if slot.size and not 0 <= slot.min() <= slot.max() < slots:
        raise ValueError(f"events name slots outside 0..{slots - 1}")
