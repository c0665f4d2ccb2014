"""attend and attend_in_detail against the contract, cell by cell."""

import doctest

import numpy as np
import pytest
from literal_head import as_arrays, literal_answers
from token_codes import GEOMETRIES, assert_covers, random_codes

import gaincell.behavioral
from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.config import HeadConfig

LAPS = 3


def laps_of(config: HeadConfig) -> int:
    """Tokens for more than three laps, enough to see all signs in the smallest head."""
    return max(LAPS * config.window + config.sink + 2, 24)


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_equals_the_contract_over_three_laps(name, seed):
    config = GEOMETRIES[name]
    codes = random_codes(config, laps_of(config), seed)
    expected = literal_answers(**codes, config=config)
    y_code, _ = as_arrays(expected)
    assert expected.ties == 0
    assert_covers(y_code)
    np.testing.assert_array_equal(attend(**codes, config=config), y_code)


@pytest.mark.parametrize("name", ["odd sizes, full sink", "one column per sub-tile", "strong leak"])
@pytest.mark.parametrize("kind", [bool, np.uint8])
def test_forgets_earlier_tokens_at_every_first_flag(name, kind):
    config = GEOMETRIES[name]
    tokens = laps_of(config)
    codes = random_codes(config, tokens, seed=3)
    first = np.zeros(tokens, dtype=kind)
    # The second sequence is shorter than a lap, the third and fourth start at successive tokens.
    starts = [config.window + 2, config.window + 3 + config.sink, tokens // 2 + 4, tokens // 2 + 5]
    first[starts] = 1
    expected, _ = as_arrays(literal_answers(**codes, config=config, first=first))
    one_sequence, _ = as_arrays(literal_answers(**codes, config=config))
    assert_covers(expected)
    assert (expected != one_sequence).any()
    np.testing.assert_array_equal(attend(**codes, config=config, first=first), expected)


def test_first_token_always_starts_a_sequence():
    config = GEOMETRIES["odd sizes"]
    codes = random_codes(config, 30, seed=4)
    unflagged = np.zeros(30, dtype=bool)
    flagged = np.arange(30) == 0
    y_code = attend(**codes, config=config)
    assert_covers(y_code)
    np.testing.assert_array_equal(attend(**codes, config=config, first=flagged), y_code)
    np.testing.assert_array_equal(attend(**codes, config=config, first=unflagged), y_code)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_answers_the_same_for_every_integer_type(dtype):
    config = GEOMETRIES["odd sizes, one sink token"]
    codes = random_codes(config, 70, seed=5)
    y_code = attend(**codes, config=config)
    assert_covers(y_code)
    narrow = {name: code.astype(dtype) for name, code in codes.items()}
    np.testing.assert_array_equal(attend(**narrow, config=config), y_code)


def test_no_tokens_give_no_outputs():
    config = GEOMETRIES["odd sizes"]
    none = np.zeros((0, config.head_dim), dtype=np.int64)
    assert attend(none, none, none, config).shape == (0, config.head_dim)
    detail = attend_in_detail(none, none, none, config)
    assert detail.tile_code.shape == (0, config.tiles, config.head_dim)
    assert detail.ties == 0


@pytest.mark.parametrize("name", ["odd sizes, full sink", "own polynomial", "one cell"])
def test_detail_agrees_with_the_contract_and_with_attend(name):
    config = GEOMETRIES[name]
    codes = random_codes(config, laps_of(config), seed=6)
    expected = literal_answers(**codes, config=config)
    y_code, tile_code = as_arrays(expected)
    detail = attend_in_detail(**codes, config=config)
    assert_covers(y_code)
    np.testing.assert_array_equal(detail.y_code, attend(**codes, config=config))
    np.testing.assert_array_equal(detail.tile_code, tile_code)
    np.testing.assert_array_equal(detail.tile_code.sum(axis=1), y_code)
    assert detail.ties == expected.ties == 0
    slots = config.tiles * config.columns
    for token, scores in enumerate(expected.score):
        wanted = np.full(slots, np.nan)
        wanted[list(scores)] = list(scores.values())
        np.testing.assert_allclose(detail.score[token], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("retention_s", [0.4e-6, 0.1e-6, 1e-9])
def test_stays_exact_where_cells_leak_within_a_few_tokens(retention_s):
    """exp(3 * 0.8 us * 63 / tau), the growth over a block of queries, leaves float64's range."""
    config = HeadConfig(
        head_dim=4,
        window=9,
        columns=3,
        retention_s=retention_s,
        refresh=False,
        score_saturation=6.0,
        output_saturation=3.0,
    )
    codes = random_codes(config, 150, seed=7)
    answers = literal_answers(**codes, config=config)
    y_code, _ = as_arrays(answers)
    assert answers.ties == 0
    assert_covers(y_code)
    np.testing.assert_array_equal(attend(**codes, config=config), y_code)


@pytest.mark.slow
def test_four_windows_at_full_size_finish_and_differ_from_a_window_of_all():
    config = HeadConfig()
    codes = random_codes(config, 4096, seed=8)
    codes["k_code"] = np.random.default_rng(8).integers(0, 8, codes["k_code"].shape)
    y_code = attend(**codes, config=config)
    assert_covers(y_code)
    assert np.abs(y_code).max() <= config.result_max
    tail = {name: code[-1024:] for name, code in codes.items()}
    # The ring position of the tail is the same as in the whole, so its last query sees the same.
    np.testing.assert_array_equal(attend(**tail, config=config)[-1], y_code[-1])
    assert (attend(**tail, config=config)[0] != y_code[-1024]).any()


def test_the_example_of_the_package_runs():
    failures, tried = doctest.testmod(gaincell.behavioral)
    assert failures == 0
    assert tried > 5
