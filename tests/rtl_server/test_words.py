"""Words of the test bench: what they hold, number by number."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.tokens import random_tokens
from gaincell.behavioral.wires import pack_codes, pack_each, unpack_codes
from gaincell.cocotb_tests.bench.words import (
    PACE_BITS,
    count_bits,
    counted_widths,
    results_of,
    token_words,
)
from gaincell.config import PRESETS, HeadConfig
from gaincell.hdl.layouts import result_layout, token_layout

TINY = PRESETS["tiny"]
ODD = HeadConfig(head_dim=3, window=12, columns=4, query_bits=1, key_bits=2, value_bits=5)
WIDE = HeadConfig(
    head_dim=5,
    window=128,
    columns=4,
    query_bits=8,
    key_bits=8,
    value_bits=8,
    readout_bits=8,
    refresh=False,
)
HEADS = pytest.mark.parametrize("config", [TINY, ODD, WIDE], ids=["tiny", "odd", "wide"])


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("shape", [(1, 1), (70, 5), (3, 2, 4)])
def test_rows_are_packed_as_one_row_is(width: int, shape: tuple[int, ...]) -> None:
    codes = np.random.default_rng(0).integers(0, 1 << width, shape)
    packed = pack_each(codes, width)
    assert packed == [pack_codes(row.ravel(), width) for row in codes]
    for row, number in zip(codes, packed, strict=True):
        assert np.array_equal(unpack_codes(number, row.size, width), row.ravel())


@HEADS
@pytest.mark.parametrize("group", [1, 3])
def test_a_word_holds_a_query_with_its_token_and_its_waits(config: HeadConfig, group: int) -> None:
    rng = np.random.default_rng(1)
    tokens = random_tokens(5, config, rng)
    q_code = rng.integers(0, config.query_max + 1, (5, group, config.head_dim))
    tokens = replace(tokens, q_code=q_code, first=np.array([1, 0, 0, 1, 0]))
    idle, stall = rng.integers(0, 1 << PACE_BITS, (2, 5 * group))
    layout = token_layout(config)
    for query, word in enumerate(token_words(tokens, idle, stall, config)):
        token, turn = divmod(query, group)
        value = layout.from_bits(word & (1 << layout.size) - 1)
        keys, values = tokens.k_code[token], tokens.v_code[token]
        if turn:
            keys, values = config.key_max - keys, config.value_max - values
        for codes, found in ((q_code[token, turn], value.q), (keys, value.k), (values, value.v)):
            assert [found[place] for place in range(config.head_dim)] == codes.tolist()
        assert value.first == (tokens.first[token] and not turn)
        assert value.further == (turn > 0)
        assert word >> layout.size == idle[query] | int(stall[query]) << PACE_BITS


@HEADS
def test_a_result_holds_signed_outputs_and_its_latency(config: HeadConfig) -> None:
    layout = result_layout(config)
    width = layout.size // layout.length
    rng = np.random.default_rng(2)
    y_code = rng.integers(-1 << width - 1, 1 << width - 1, (6, layout.length))
    y_code[0], y_code[1] = -1 << width - 1, (1 << width - 1) - 1
    latency = rng.integers(0, 1 << 32, 6)
    mask = (1 << width) - 1
    words = [
        sum((int(y) & mask) << width * place for place, y in enumerate(row))
        | int(cycles) << layout.size
        for row, cycles in zip(y_code, latency, strict=True)
    ]
    found, cycles = results_of(words, config)
    assert np.array_equal(found, y_code)
    assert np.array_equal(cycles, latency)


@HEADS
@pytest.mark.parametrize("step_cycles", [1, 1 << 16])
def test_lengths_of_pulses_are_counted_in_bit_planes(config: HeadConfig, step_cycles: int) -> None:
    config = replace(config, step_cycles=step_cycles, refresh=False)
    planes, dims = count_bits(config), config.head_dim
    widths = np.random.default_rng(3).integers(0, 1 << planes, dims)
    widths[0] = (1 << planes) - 1
    counted = sum(
        (int(width) >> plane & 1) << plane * dims + place
        for place, width in enumerate(widths)
        for plane in range(planes)
    )
    assert np.array_equal(counted_widths(counted, config), widths)
