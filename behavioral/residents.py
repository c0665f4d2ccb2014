"""Which token each column holds, when it was written, and which queries read it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import SequenceShape
from gaincell.behavioral.events import Events
from gaincell.config import HeadConfig

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Residents:
    """I stored columns, each unchanged over a range of queries.

    Queries are counted over all T tokens of G queries: query n belongs to token n // G.

    slot, token : (I,) place of the column, and the token whose key and value it holds
    begin, end : (I,) the queries begin <= n < end read it
    k_stamp, v_stamp : (I,) time of its write, on the clock of ``k_query`` and ``v_query``
    k_query, v_query : (T * G,) start of each query's QK and AV phase
    """

    slot: Indices
    token: Indices
    begin: Indices
    end: Indices
    k_stamp: Indices
    v_stamp: Indices
    k_query: Indices
    v_query: Indices


def undisturbed(first: NDArray[np.bool_], group: int, config: HeadConfig) -> Residents:
    """Every token of ``group`` queries written once, never refreshed; time counts tokens."""
    tokens = np.arange(first.size)
    starts = np.flatnonzero(first)
    sequence = np.cumsum(first) - 1
    position = tokens - starts[sequence]
    sequence_end = np.append(starts[1:], first.size)[sequence]
    in_sink = position < config.sink
    slot = config.slot_of(position)
    overwritten = np.where(in_sink, first.size, tokens + config.window)
    end = np.minimum(overwritten, sequence_end)
    query = np.repeat(tokens, group)
    return Residents(
        slot, tokens, tokens * group, end * group, tokens, tokens, k_query=query, v_query=query
    )


def from_events(events: Events, shape: SequenceShape, config: HeadConfig) -> Residents:
    """The columns of a run with an event log; time counts tokens or cycles, as ``age_mode`` says.

    Raises
    ------
    ValueError
        An array was not read by G queries of each token, in order.
    """
    in_cycles = config.age_mode == "time"
    histories = {}
    queries = {}
    for array in "KV":
        own = events[events["array"] == array]
        reads = own[own["kind"] == "read"]
        _check_reads(array, reads["token"], shape)
        queries[array] = reads["cycle" if in_cycles else "token"].astype(np.int64)
        histories[array] = _history(own, shape.queries, in_cycles)
    rows: list[tuple[int, ...]] = []
    for slot, k_spans in histories["K"].items():
        rows += _overlaps(slot, k_spans, histories["V"].get(slot, []))
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    slots, held, begin, end, k_stamp, v_stamp = table.T
    return Residents(slots, held, begin, end, k_stamp, v_stamp, queries["K"], queries["V"])


def _check_reads(array: str, token: Indices, shape: SequenceShape) -> None:
    """Check that the n-th read of each array is a query of token n // G."""
    count = np.bincount(token, minlength=shape.tokens)
    if (count != shape.group).any():
        wrong = int(np.argmax(count != shape.group))
        many = f"{count[wrong]} of {shape.group} reads" if count[wrong] else "no read"
        if count[wrong] > shape.group:
            many = f"{count[wrong]} reads instead of {shape.group}"
        raise ValueError(f"events hold {many} of array {array} by token {wrong}")
    owner = np.arange(shape.queries) // shape.group
    if (token != owner).any():
        wrong = int(np.argmax(token != owner))
        raise ValueError(
            f"events name token {token[wrong]} for read {wrong} of array {array}, "
            f"which is by token {owner[wrong]}"
        )


_Spans = list[tuple[int, int, int, int]]


def _history(own: Events, queries: int, in_cycles: bool) -> dict[int, _Spans]:
    """Spans (begin, end, token, stamp) of each slot of one array, begin and end in queries.

    In steps everything is stamped with the token written last: tokens age columns, queries do not.
    """
    changes: dict[int, list[tuple[int, int, int]]] = {}
    newest = next_query = 0
    for cycle, _, kind, slot, token in own.tolist():
        if kind == "read":
            next_query += 1
            continue
        if kind == "write":
            newest = token
        stamp = cycle if in_cycles else newest
        touched = list(changes) if slot < 0 else [slot]
        for each in touched:
            changes.setdefault(each, []).append((next_query, token, stamp))
    return {slot: _spans(changed, queries) for slot, changed in changes.items()}


def _spans(changed: list[tuple[int, int, int]], queries: int) -> _Spans:
    closed = [*changed, (queries, -1, 0)]
    return [
        (begin, end, token, stamp)
        for (begin, token, stamp), (end, _, _) in pairwise(closed)
        if token >= 0 and begin < end
    ]


def _overlaps(slot: int, k_spans: _Spans, v_spans: _Spans) -> list[tuple[int, ...]]:
    """Where K and V of one slot hold the same token, split wherever either changes."""
    rows: list[tuple[int, ...]] = []
    of_k = of_v = 0
    while of_k < len(k_spans) and of_v < len(v_spans):
        k_begin, k_end, token, k_stamp = k_spans[of_k]
        v_begin, v_end, v_token, v_stamp = v_spans[of_v]
        begin, end = max(k_begin, v_begin), min(k_end, v_end)
        if token == v_token and begin < end:
            rows.append((slot, token, begin, end, k_stamp, v_stamp))
        if k_end <= v_end:
            of_k += 1
        else:
            of_v += 1
    return rows
