"""Golden vectors of the plain testbench: queries, their pace, and the answers of the model."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.attention import Attention, attend_in_detail
from gaincell.behavioral.lively import lively_config, lively_tokens, random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.bench.words import flag_place, token_words, with_flag
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.hdl.layouts import token_layout

LEAST_TOKENS = 24
LARGEST_BYTES = 250_000
FURTHER_SHARE = 0.25
"""Share of tokens with a second query."""
MOST_ZEROS = 0.5
SHORT_SEQUENCES = (0, 3, 4)
"""Tokens that start sequences early on; another one starts near the end."""


@dataclass(frozen=True)
class Golden:
    """Q queries in the order in which they are offered, and what the model says to each.

    config : HeadConfig, with the saturations of the golden values; of a core that of ``lock_step``
    blocks : sub-tiles of all groups
    tokens : number of tokens
    offered : (Q,) words of ``token_payload``
    idle, refuse : (Q,) cycles
    starts, writes : (Q,) the query starts a sequence; it brings a key and value
    position : (Q,) of the query's token in its sequence
    y_code : (Q, D)
    tile_code : (Q, blocks, D / groups)
    negative : (Q, blocks, D / groups) signs on the wires; a code of zero has either
    """

    config: HeadConfig
    blocks: int
    tokens: int
    offered: list[int]
    idle: NDArray[np.integer]
    refuse: NDArray[np.integer]
    starts: NDArray[np.bool_]
    writes: NDArray[np.bool_]
    position: NDArray[np.integer]
    y_code: NDArray[np.int64]
    tile_code: NDArray[np.int64]
    negative: NDArray[np.bool_]


def default_tokens(config: HeadConfig) -> int:
    """Tokens that go twice around the ring, or fewer if the file would grow too large."""
    dims = config.head_dim
    bits = dims * (config.query_bits + config.key_bits + config.value_bits + config.result_width)
    bits += config.tiles * dims * (config.readout_bits + 1)
    characters = (1 + FURTHER_SHARE) * (bits // 4 + 40 + 20 * config.tiles)
    return max(LEAST_TOKENS, min(2 * config.window + 16, int(LARGEST_BYTES / characters)))


def golden_vectors(design: HeadConfig | CoreConfig, count: int, seed: int) -> Golden:
    """Random tokens, some with a second query, and the model's answers; see ``Golden``.

    The saturations are the config's, or others if those would leave most outputs zero.
    """
    rng = np.random.default_rng(seed)
    core = core_of(design)
    groups, head = core.groups, replace(core.head, age_mode="steps")
    drawn, detail = _answers(head, groups, count, rng)
    if (detail.y_code == 0).mean() > MOST_ZEROS:
        head = lively_config(head, rng)
        drawn, detail = _answers(head, groups, count, rng)
    config = replace(core, head=head).lock_step

    first, second = drawn.first, rng.random(count) < FURTHER_SHARE
    kept = np.stack([np.ones(count, bool), second], axis=1).ravel()
    starts = np.stack([first, np.zeros(count, bool)], axis=1).ravel()[kept]
    writes = (np.arange(2 * count) % 2 == 0)[kept]
    position = np.arange(count) - np.flatnonzero(first)[np.cumsum(first) - 1]

    none = np.zeros(2 * count, np.int64)
    paced = token_words(drawn.in_lock_step(), none, none, config)
    payload = (1 << token_layout(config).size) - 1
    words = [paced[query] & payload for query in np.flatnonzero(kept)]
    # A token is the first of its sequence, whatever ``further`` says, and after reset whatever
    # both flags say.
    starts_at = flag_place("first", config)
    words = [
        with_flag(word, "further", True, config)
        if word >> starts_at & 1 and rng.random() < 0.5
        else word
        for word in words
    ]
    words[0] = with_flag(with_flag(words[0], "first", False, config), "further", True, config)

    def by_query(of_heads: NDArray[Any]) -> NDArray[Any]:
        """(T, 2 * groups, ...) of heads as (Q, groups, ...) of queries."""
        split = of_heads.reshape(count, groups, 2, *of_heads.shape[2:]).swapaxes(1, 2)
        queries: NDArray[Any] = split.reshape(2 * count, *split.shape[2:])[kept]
        return queries

    blocks = groups * config.tiles
    tile_code = by_query(detail.tile_code).reshape(len(words), blocks, -1)
    stored = ~np.isnan(by_query(detail.score).reshape(len(words), blocks, config.columns))
    either = (tile_code == 0) & stored.any(axis=2)[:, :, None] & (rng.random(tile_code.shape) < 0.5)
    return Golden(
        config=config,
        blocks=blocks,
        tokens=count,
        offered=words,
        idle=random_pace(len(words), config.interval_cycles, rng),
        refuse=random_pace(len(words), 2 * config.latency_cycles, rng),
        starts=starts,
        writes=writes,
        position=position.repeat(2)[kept],
        y_code=by_query(detail.y_code).reshape(len(words), -1),
        tile_code=tile_code,
        negative=(tile_code < 0) | either,
    )


def _answers(
    config: HeadConfig, groups: int, count: int, rng: np.random.Generator
) -> tuple[Tokens, Attention]:
    """Tokens with two queries each for every group, and what the model says to them."""
    heads = None if groups == 1 else (groups, groups)
    tokens, others = (lively_tokens(count, config, rng, heads=heads) for _ in range(2))
    q_code = np.stack([tokens.q_code, others.q_code], axis=-2)
    q_code = q_code.reshape(count, 2 * groups, config.head_dim)
    first = np.isin(np.arange(count), [*SHORT_SEQUENCES, count - LEAST_TOKENS // 4])
    first[0] = True
    tokens = replace(tokens, q_code=q_code, first=first)
    return tokens, attend_in_detail(*tokens.codes, config, first=first)


def vector_calls(golden: Golden) -> list[str]:
    """Calls of the tasks in vectors.v: each query and the codes of its sub-tiles."""
    config = golden.config
    calls = []
    for query, word in enumerate(golden.offered):
        y = _packed(golden.y_code[query], config.result_width)
        tile, column = config.place_of(config.slot_of(int(golden.position[query])))
        flags = f"{golden.starts[query]:d}, {golden.writes[query]:d}"
        calls.append(
            f"add_query({golden.idle[query]}, {golden.refuse[query]}, {flags}, {tile}, {column},"
            f" {_hexadecimal(word, token_layout(config).size)},"
            f" {_hexadecimal(y, config.head_dim * config.result_width)});"
        )
        signed = abs(golden.tile_code[query]) + (golden.negative[query] << config.readout_bits)
        for tile, codes in enumerate(signed):
            if packed := _packed(codes, config.readout_bits + 1):
                number = _hexadecimal(packed, len(codes) * (config.readout_bits + 1))
                calls.append(f"add_codes({tile}, {number});")
    return calls


def _packed(codes: NDArray[Any], width: int) -> int:
    """One number of the codes' lowest ``width`` bits, code 0 lowest."""
    return sum((int(code) & (1 << width) - 1) << width * place for place, code in enumerate(codes))


def _hexadecimal(value: int, width: int) -> str:
    return f"{width}'h{value:x}"
