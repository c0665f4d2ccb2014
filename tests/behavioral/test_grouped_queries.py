"""Tokens that carry several queries against one key and one value."""

import numpy as np
import pytest
from driven_wires import at_interval, play
from grids import rest_slow
from literal_head import as_arrays, literal_answers, literal_answers_to_events
from token_codes import GEOMETRIES, NAMED, assert_covers, random_codes

from gaincell.behavioral.attention import attend, attend_and_count_ties, attend_in_detail
from gaincell.behavioral.control import query_wires, run_arrays, token_wires
from gaincell.behavioral.wires import WritePort
from gaincell.config import HeadConfig

GROUPS = pytest.mark.parametrize("group", [1, 2, 3])
SEVERAL = pytest.mark.parametrize("group", rest_slow([3, 2]))
"""Tokens of one query have tests of their own in test_attend_literal and test_run_arrays."""
EVERY_SIZE = pytest.mark.parametrize("name", rest_slow(GEOMETRIES, NAMED))


def laps_of(config: HeadConfig) -> int:
    return max(2 * config.window + config.sink + 2, 24)


def timed(config: HeadConfig) -> HeadConfig:
    """The same head, ages in cycles; no longer bound, but leaking by 2 % in a query's time."""
    retention_s = 50 * config.timing.out.end * config.clock_s
    leaky = {"age_mode": "time", "retention_s": retention_s, "refresh": False}
    return HeadConfig(**config.fields_set() | leaky)


@SEVERAL
@EVERY_SIZE
def test_attend_equals_the_contract_for_every_query(name, group):
    config = GEOMETRIES[name]
    codes = random_codes(config, laps_of(config), 111, group)
    expected = literal_answers(**codes, config=config)
    y_code, tile_code = as_arrays(expected)
    assert expected.ties == 0
    assert_covers(y_code)
    assert y_code.shape == codes["q_code"].shape
    np.testing.assert_array_equal(attend(**codes, config=config), y_code)
    detail = attend_in_detail(**codes, config=config)
    np.testing.assert_array_equal(detail.y_code, y_code)
    np.testing.assert_array_equal(detail.tile_code, tile_code)
    counted, ties = attend_and_count_ties(**codes, config=config)
    np.testing.assert_array_equal(counted, y_code)
    assert ties == detail.ties == 0
    assert detail.score.shape == (*codes["q_code"].shape[:2], config.slots)
    for scores, row in zip(expected.score, detail.score.reshape(-1, config.slots), strict=True):
        by_slot = np.full(config.slots, np.nan)
        by_slot[list(scores)] = list(scores.values())
        np.testing.assert_allclose(row, by_slot, rtol=0, atol=1e-12)


@SEVERAL
@EVERY_SIZE
def test_arrays_equal_attend_with_and_without_the_event_log(name, group):
    config = GEOMETRIES[name]
    codes = random_codes(config, laps_of(config), 102, group)
    y_code, events = run_arrays(**codes, config=config)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config))
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=events))


@SEVERAL
@EVERY_SIZE
def test_arrays_equal_attend_with_ages_in_cycles(name, group):
    config = timed(GEOMETRIES[name])
    codes = random_codes(config, laps_of(config), 103, group)
    y_code, events = run_arrays(**codes, config=config)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=events))
    literal = literal_answers_to_events(**codes, config=config, events=events)
    np.testing.assert_array_equal(y_code, as_arrays(literal)[0])


@pytest.mark.parametrize("name", ["strong leak", "odd sizes, full sink"])
def test_each_query_is_answered_as_if_it_were_its_token_s_only_one(name):
    """In steps further queries age nothing, so every column of queries is a run of its own."""
    config = GEOMETRIES[name]
    codes = random_codes(config, 60, 104, group=3)
    y_code = attend(**codes, config=config)
    assert_covers(y_code)
    for place in range(3):
        alone = codes | {"q_code": codes["q_code"][:, place]}
        np.testing.assert_array_equal(attend(**alone, config=config), y_code[:, place])
        np.testing.assert_array_equal(run_arrays(**alone, config=config)[0], y_code[:, place])
    assert (y_code[:, 0] != y_code[:, 1]).any()


def test_further_queries_take_time_and_so_age_columns_in_cycles():
    config = timed(GEOMETRIES["odd sizes"])
    codes = random_codes(config, 60, 105, group=2)
    codes["q_code"][:, 1] = codes["q_code"][:, 0]
    y_code, _ = run_arrays(**codes, config=config)
    assert (y_code[:, 0] != y_code[:, 1]).any()
    in_steps = HeadConfig(**config.fields_set() | {"age_mode": "steps"})
    y_code, _ = run_arrays(**codes, config=in_steps)
    np.testing.assert_array_equal(y_code[:, 0], y_code[:, 1])


@pytest.mark.parametrize("name", ["odd sizes, full sink", "one column per sub-tile", "strong leak"])
@GROUPS
def test_forgets_earlier_tokens_at_every_first_flag(name, group):
    config = GEOMETRIES[name]
    tokens = laps_of(config)
    codes = random_codes(config, tokens, 106, group)
    first = np.zeros(tokens, dtype=bool)
    first[[config.window + 2, config.window + 3, tokens // 2 + 4]] = True
    expected, _ = as_arrays(literal_answers(**codes, config=config, first=first))
    assert_covers(expected)
    assert (expected != attend(**codes, config=config)).any()
    np.testing.assert_array_equal(attend(**codes, config=config, first=first), expected)
    y_code, events = run_arrays(**codes, config=config, first=first)
    np.testing.assert_array_equal(y_code, expected)
    answered = attend(**codes, config=config, first=first, events=events)
    np.testing.assert_array_equal(y_code, answered)


@GROUPS
@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
@pytest.mark.parametrize(
    "name", ["odd sizes, one sink token", "paired, slow steps", "own polynomial"]
)
def test_accepts_a_query_at_every_interval(name, schedule, group):
    config = HeadConfig(**GEOMETRIES[name].fields_set() | {"schedule": schedule})
    codes = random_codes(config, 30, 107, group)
    cycles = at_interval(**codes, config=config, interval=config.interval_cycles)
    y_code, pins = play(cycles, config)
    y_code = y_code.reshape(codes["q_code"].shape)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config))
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=pins.events))


def test_log_holds_a_write_and_a_read_of_every_query():
    config = GEOMETRIES["odd sizes"]
    codes = random_codes(config, 3, 108, group=3)
    _, events = run_arrays(**codes, config=config)
    for array in "KV":
        own = events[events["array"] == array]
        assert own["kind"].tolist() == ["clear", *["write", "read", "read", "read"] * 3]
        assert own["token"].tolist() == [-1, *np.repeat(range(3), 4)]


def test_a_further_query_is_its_token_s_cycles_without_the_writes():
    config = GEOMETRIES["odd sizes, one sink token"]
    codes = random_codes(config, 1, 109)
    query, key, value = (code[0] for code in codes.values())
    whole = list(token_wires(query, key, value, 3, config))
    assert any(wires.k.enable for wires in whole)
    assert any(wires.v.enable for wires in whole)
    stripped = [wires._replace(k=WritePort(), v=WritePort()) for wires in whole]
    assert list(query_wires(query, config)) == stripped


@pytest.mark.parametrize("way", [attend, lambda *codes: run_arrays(*codes)[0]])
def test_answers_have_the_shape_of_the_queries(way):
    config = GEOMETRIES["odd sizes"]
    codes = random_codes(config, 30, 110)
    y_code = way(*codes.values(), config)
    grouped = codes | {"q_code": codes["q_code"][:, None]}
    assert_covers(y_code)
    np.testing.assert_array_equal(way(*grouped.values(), config), y_code[:, None])
    none = [code[:0] for code in (np.zeros((1, 4, 5), dtype=int), *list(codes.values())[1:])]
    assert way(*none, config).shape == (0, 4, 5)
