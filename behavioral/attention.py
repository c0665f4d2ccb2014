"""Attention as the contract defines it, from the integer codes of a whole sequence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.codes import Codes, SequenceShape, check_first, check_sequence
from gaincell.behavioral.events import Events, check_events
from gaincell.behavioral.residents import Residents, from_events, undisturbed
from gaincell.config import HeadConfig

Floats = NDArray[np.float64]

BLOCK_QUERIES = 64
TIE_DISTANCE = 1e-9
"""A read-out this near a half-integer may differ between two exact descriptions."""
LARGEST_EXPONENT = 300.0
"""Decay is split into a factor of the query and one of the column; e^300 is far from overflow."""


@dataclass(frozen=True)
class Attention:
    """Outputs of T tokens; with G queries each where q has them, [G,].

    y_code : (T, [G,] D) sum of the sub-tiles' codes
    tile_code : (T, [G,] tiles, D) the signed code of each sub-tile
    score : (T, [G,] slots) charge S of every column over s_sat; NaN where no token is stored
    ties : read-outs within ``TIE_DISTANCE`` of a half-integer
    """

    y_code: NDArray[np.int64]
    tile_code: NDArray[np.int64]
    score: Floats
    ties: int


def attend(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    events: Events | None = None,
    *,
    first: NDArray[Any] | None = None,
) -> NDArray[np.int64]:
    """Head outputs, shaped as ``q_code``; docs/understand/contract.md, section 3.

    Parameters
    ----------
    q_code : (T, D), or (T, G, D) where each token carries G queries against its key and value
    k_code, v_code : (T, D), or (T, groups, D) with a q_code (T, H, D) of heads in lock step. The
        heads of a group share its keys and values: head h is of group h // (H / groups)
    events : array of dtype EVENT, optional
        Log of a co-simulation. Without it every token is written once and never refreshed.
    first : (T,) flags, optional
        Tokens that start a sequence; token 0 always does.

    Raises
    ------
    TypeError, ValueError
        Codes, flags or events of wrong type, shape or range; age mode "time" without events.
    """
    return attend_and_count_ties(q_code, k_code, v_code, config, events, first=first)[0]


def attend_and_count_ties(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    events: Events | None = None,
    *,
    first: NDArray[Any] | None = None,
) -> tuple[NDArray[np.int64], int]:
    """As ``attend``, and the number of read-outs within ``TIE_DISTANCE`` of a half-integer."""
    shape = check_sequence(q_code, k_code, v_code, config)
    if k_code.ndim == 3:
        each = [
            attend_and_count_ties(*codes, config, events, first=first)
            for codes in _of_groups(q_code, k_code, v_code)
        ]
        return np.concatenate([y_code for y_code, _ in each], axis=1), sum(near for _, near in each)
    y_code = np.zeros((shape.queries, config.head_dim), dtype=np.int64)
    ties = 0
    for begin, end, charge, _ in _blocks(shape, q_code, k_code, v_code, config, events, first):
        tile_code, near = read_out(charge, config)
        y_code[begin:end] = tile_code.sum(axis=1)
        ties += near
    return y_code.reshape(q_code.shape), ties


def attend_in_detail(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    events: Events | None = None,
    *,
    first: NDArray[Any] | None = None,
) -> Attention:
    """As ``attend``, with scores, the codes of each sub-tile and a count of near ties.

    Memory grows with T x G x (slots + tiles x D): for inspection, not for long sequences.
    """
    shape = check_sequence(q_code, k_code, v_code, config)
    if k_code.ndim == 3:
        each = [
            attend_in_detail(*codes, config, events, first=first)
            for codes in _of_groups(q_code, k_code, v_code)
        ]
        return Attention(
            np.concatenate([detail.y_code for detail in each], axis=1),
            np.concatenate([detail.tile_code for detail in each], axis=1),
            np.concatenate([detail.score for detail in each], axis=1),
            sum(detail.ties for detail in each),
        )
    tile_code = np.zeros((shape.queries, config.tiles, config.head_dim), dtype=np.int64)
    score = np.full((shape.queries, config.slots), np.nan)
    ties = 0
    for begin, end, charge, block_score in _blocks(
        shape, q_code, k_code, v_code, config, events, first
    ):
        tile_code[begin:end], near = read_out(charge, config)
        score[begin:end] = block_score
        ties += near
    leading = q_code.shape[:-1]
    return Attention(
        tile_code.sum(axis=1).reshape(q_code.shape),
        tile_code.reshape(*leading, *tile_code.shape[1:]),
        score.reshape(*leading, score.shape[1]),
        ties,
    )


def unread_charge(
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    *,
    first: NDArray[Any] | None = None,
) -> Floats:
    """Charges A of all sub-tiles together before they are read, shaped as ``q_code`` (T, [G,] D).

    Neither rounding nor clipping of the read-out is in them. Errors are as in ``attend``.
    """
    shape = check_sequence(q_code, k_code, v_code, config)
    if k_code.ndim == 3:
        groups = _of_groups(q_code, k_code, v_code)
        each = [unread_charge(*codes, config, first=first) for codes in groups]
        return np.concatenate(each, axis=1)
    blocks = _blocks(shape, q_code, k_code, v_code, config, None, first)
    whole = np.concatenate([charge.sum(axis=1) for _, _, charge, _ in blocks])
    return whole.reshape(q_code.shape)


def _of_groups(q_code: Codes, k_code: Codes, v_code: Codes) -> Iterator[tuple[Codes, Codes, Codes]]:
    """Codes of each group of heads: q (T, H / groups, D), k and v (T, D)."""
    groups = k_code.shape[1]
    queries = np.split(q_code, groups, axis=1)
    return ((queries[group], k_code[:, group], v_code[:, group]) for group in range(groups))


def read_out(charge: Floats, config: HeadConfig) -> tuple[NDArray[np.int64], int]:
    """Signed codes of the charges A of sub-tiles, same shape, and the number near a tie.

    The clock counts the samples i with n * |o| >= i + 1/2: n * |o| rounded, halves up. Its
    fraction is taken apart exactly, since adding 1/2 would round a float just below the half.
    """
    steps = config.readout_max * np.clip(np.abs(charge) / config.a_sat, 0.0, 1.0)
    whole = np.floor(steps)
    magnitude = whole + (steps - whole >= 0.5)
    ties = int(np.count_nonzero(np.abs(steps - whole - 0.5) < TIE_DISTANCE))
    return (np.sign(charge) * magnitude).astype(np.int64), ties


_Block = tuple[int, int, Floats, Floats]


def _blocks(
    shape: SequenceShape,
    q_code: Codes,
    k_code: Codes,
    v_code: Codes,
    config: HeadConfig,
    events: Events | None,
    first: NDArray[Any] | None,
) -> Iterator[_Block]:
    """Blocks of queries: begin, end, charges A (B, tiles, D), relative scores (B, slots)."""
    flags = check_first(first, shape.tokens)
    residents = _residents(flags, shape, config, events)
    x = q_code.reshape(shape.queries, config.head_dim) / config.query_max
    k_powers = _powers(k_code, config.key_max, config)
    v_powers = _powers(v_code, config.value_max, config)
    for begin, end in _query_ranges(residents, config):
        queries = np.arange(begin, end)
        seen = np.flatnonzero((residents.begin < end) & (residents.end > begin))
        exists = (residents.begin[seen] <= queries[:, None]) & (
            queries[:, None] < residents.end[seen]
        )
        token = residents.token[seen]

        query_decay, column_decay = _decay(
            residents.k_query[begin:end], residents.k_stamp[seen], config
        )
        keys = k_powers[:, token] * column_decay[:, :, None]  # (orders, I, D)
        weighted = x[begin:end] * query_decay[:, :, None]  # (orders, B, D)
        relative = np.einsum("obd,oid->bi", weighted, keys, optimize=True) / config.s_sat
        phi = np.clip(relative, 0.0, 1.0) * exists

        query_decay, column_decay = _decay(
            residents.v_query[begin:end], residents.v_stamp[seen], config
        )
        values = v_powers[:, token] * column_decay[:, :, None]
        charge = np.zeros((end - begin, config.tiles, config.head_dim))
        tile = residents.slot[seen] // config.columns
        for number in np.unique(tile):
            members = np.flatnonzero(tile == number)
            by_order = phi[:, members] @ values[:, members]  # (orders, B, D)
            charge[:, number] = np.einsum("ob,obd->bd", query_decay, by_order)

        score = np.full((end - begin, config.slots), np.nan)
        row, column = np.nonzero(exists)
        score[row, residents.slot[seen][column]] = relative[row, column]
        yield begin, end, charge, score


def _residents(
    first: NDArray[np.bool_], shape: SequenceShape, config: HeadConfig, events: Events | None
) -> Residents:
    if events is None:
        if config.age_mode == "time":
            raise ValueError('age_mode is "time", which needs the events of a co-simulation')
        return undisturbed(first, shape.group, config)
    check_events(events, shape.tokens, config.stored_columns)
    return from_events(events, shape, config)


def _powers(code: Codes, largest: int, config: HeadConfig) -> Floats:
    """a_i * (V - center)^i of stored codes (T, D) for each order i: (orders, T, D)."""
    centred = config.full_scale_v * code / largest - config.center_v
    return np.stack([a * centred**i for i, a in enumerate(config.cell_coefficients)])


def _decay(query: Any, stamp: Any, config: HeadConfig) -> tuple[Floats, Floats]:
    """gamma^(i * age) as a factor (orders, B) of each query and one (orders, I) of each column."""
    order = np.arange(len(config.cell_coefficients))[:, None]
    rate = order * config.decay_rate
    return np.exp(-rate * (query - query[0])), np.exp(-rate * (query[0] - stamp))


def _query_ranges(residents: Residents, config: HeadConfig) -> Iterator[tuple[int, int]]:
    """Split the queries into blocks short enough for the split decay factors to stay finite."""
    order = len(config.cell_coefficients) - 1
    queries = residents.k_query.size
    begin = 0
    while begin < queries:
        end = min(begin + BLOCK_QUERIES, queries)
        for clock in (residents.k_query, residents.v_query):
            growth = order * config.decay_rate * (clock[begin:end] - clock[begin])
            end = begin + max(1, int(np.searchsorted(growth, LARGEST_EXPONENT)))
        yield begin, end
        begin = end
