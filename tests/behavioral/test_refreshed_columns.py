"""Single columns written between tokens: what the wires mean by it, and what answers make of it."""

from itertools import chain

import numpy as np
import pytest
from driven_wires import (
    at_interval,
    clear_cycles,
    in_one_run,
    launches,
    one_after_the_other,
    overlapped,
    play,
    rewrite_cycles,
)
from grids import rest_slow
from literal_head import as_arrays, literal_answers_to_events
from token_codes import GEOMETRIES, assert_covers, random_codes

from gaincell.behavioral.attention import attend
from gaincell.behavioral.pins import ArrayPins, ElectricalError, Wires, WritePort
from gaincell.config import HeadConfig

CONFIG = GEOMETRIES["strong leak"]
TIMED = HeadConfig(**CONFIG.fields_set() | {"age_mode": "time", "refresh": False})
BLANK = np.zeros(CONFIG.head_dim, dtype=int)
TOKENS = 30

AGES = pytest.mark.parametrize("config", [CONFIG, TIMED], ids=["steps", "time"])


def slot_of(token: int, config: HeadConfig = CONFIG) -> int:
    return config.window + token if token < config.sink else token % config.window


def holder_of(slot: int, tokens: int, config: HeadConfig = CONFIG) -> int | None:
    """The newest of the first ``tokens`` tokens that was written into ``slot``."""
    return next((t for t in reversed(range(tokens)) if slot_of(t, config) == slot), None)


def visit_of(token: int, codes: dict[str, np.ndarray], config: HeadConfig = CONFIG) -> list[Wires]:
    """A refresh of the column of ``token``."""
    key, value = codes["k_code"][token], codes["v_code"][token]
    return rewrite_cycles(config, slot_of(token, config), key, value)


def played_with(
    codes: dict[str, np.ndarray], visits: dict[int, list[Wires]], config: HeadConfig = CONFIG
) -> tuple[np.ndarray, ArrayPins]:
    """Outputs, shaped as q, of a run with ``visits`` before some of its tokens."""
    tokens = one_after_the_other(**codes, config=config)
    cycles = [visits.get(token, []) + own for token, own in enumerate(tokens)]
    y_code, pins = play(in_one_run(cycles, config), config, check_age=False)
    return y_code.reshape(codes["q_code"].shape), pins


def put(pins: ArrayPins, cycles: list[Wires]) -> None:
    for wires in cycles:
        pins.step(wires)


def assert_log_explains(y_code, codes, config, events) -> None:
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=events))
    literal = literal_answers_to_events(**codes, config=config, events=events)
    np.testing.assert_array_equal(y_code, as_arrays(literal)[0])


def single_writes(pins: ArrayPins) -> list[tuple[str, str, int, int]]:
    """Array, kind, slot and token of every refresh and of every clear of one column."""
    return [
        (array, kind, slot, token)
        for _, array, kind, slot, token in pins.events.tolist()
        if kind == "refresh" or (kind == "clear" and slot >= 0)
    ]


@AGES
def test_a_refresh_is_logged_with_its_token_and_makes_the_column_young(config):
    codes = random_codes(config, TOKENS, seed=121)
    visits = {t: visit_of(t - 9, codes) + visit_of(0, codes) for t in range(16, TOKENS, 3)}
    y_code, pins = played_with(codes, visits, config)
    assert_covers(y_code)
    assert single_writes(pins) == [
        (array, "refresh", slot_of(token), token)
        for t in visits
        for token in (t - 9, 0)
        for array in "KV"
    ]
    assert_log_explains(y_code, codes, config, pins.events)
    plain, plain_pins = played_with(codes, {}, config)
    assert_log_explains(plain, codes, config, plain_pins.events)
    changed = np.flatnonzero((y_code != plain).any(axis=1))
    assert changed.size > 5
    assert changed[0] >= 16


@pytest.mark.parametrize("array", ["K", "V"])
def test_keys_and_values_are_refreshed_each_alone(array):
    codes = random_codes(CONFIG, TOKENS, seed=122)
    key, value = (codes["k_code"][7], None) if array == "K" else (None, codes["v_code"][7])
    visits = {16: rewrite_cycles(CONFIG, slot_of(7), key, value)}
    y_code, pins = played_with(codes, visits)
    assert single_writes(pins) == [(array, "refresh", slot_of(7), 7)]
    assert_log_explains(y_code, codes, CONFIG, pins.events)


@AGES
def test_a_dropped_column_is_gone_until_its_data_are_written_again(config):
    codes = random_codes(config, TOKENS, seed=123)
    drop = rewrite_cycles(config, slot_of(9), BLANK, BLANK)
    visits = {12: drop, 14: drop, 16: visit_of(9, codes), 17: drop, 18: visit_of(9, codes)}
    y_code, pins = played_with(codes, visits, config)
    cleared = [(array, "clear", slot_of(9), -1) for array in "KV"]
    again = [(array, "refresh", slot_of(9), 9) for array in "KV"]
    assert single_writes(pins) == [*cleared * 2, *again, *cleared, *again]
    assert_log_explains(y_code, codes, config, pins.events)
    if config is TIMED:
        return  # a visit delays all that follows
    dropped, _ = played_with(codes, {12: drop}, config)
    changed = np.flatnonzero((y_code != dropped).any(axis=1))
    assert set(changed) <= {16, *range(18, 9 + config.window)}
    assert changed.size > 1


def test_an_all_zero_value_comes_back_with_its_key():
    codes = random_codes(CONFIG, TOKENS, seed=126)
    codes["v_code"][10] = 0
    drop = rewrite_cycles(CONFIG, slot_of(10), BLANK, BLANK)
    y_code, pins = played_with(codes, {13: drop, 15: visit_of(10, codes)})
    cleared = [(array, "clear", slot_of(10), -1) for array in "KV"]
    assert single_writes(pins) == cleared + [(array, "refresh", slot_of(10), 10) for array in "KV"]
    assert_log_explains(y_code, codes, CONFIG, pins.events)
    dropped, _ = played_with(codes, {13: drop})
    assert (y_code != dropped).any()


@AGES
def test_a_dropped_column_is_gone_until_a_token_overwrites_it(config):
    codes = random_codes(config, TOKENS, seed=123)
    drop = rewrite_cycles(config, slot_of(9), BLANK, BLANK)
    y_code, pins = played_with(codes, {12: drop, 14: drop, 17: drop}, config)
    assert single_writes(pins) == [(array, "clear", slot_of(9), -1) for array in "KV"] * 3
    assert_log_explains(y_code, codes, config, pins.events)
    if config is TIMED:
        return  # a visit delays all that follows
    plain, _ = played_with(codes, {}, config)
    changed = np.flatnonzero((y_code != plain).any(axis=1))
    assert set(changed) <= set(range(12, 9 + config.window))
    assert changed.size > 3


@pytest.mark.parametrize("slot", [3, CONFIG.window + 1], ids=["ring", "sink"])
def test_an_empty_column_may_be_cleared_at_any_time(slot):
    codes = random_codes(CONFIG, TOKENS, seed=124)
    empty = rewrite_cycles(CONFIG, slot, BLANK, BLANK)
    y_code, pins = played_with(codes, {0: empty, 1: empty})
    assert single_writes(pins) == [(array, "clear", slot, -1) for array in "KV"] * 2
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))
    assert_log_explains(y_code, codes, CONFIG, pins.events)


def test_a_refresh_of_an_all_zero_key_counts_as_clear_and_answers_alike():
    codes = random_codes(CONFIG, TOKENS, seed=125)
    codes["k_code"][10] = 0
    y_code, pins = played_with(codes, {t: visit_of(10, codes) for t in (13, 16)})
    own = [("K", "clear", slot_of(10), -1), ("V", "refresh", slot_of(10), 10)]
    assert single_writes(pins) == own * 2
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))
    assert_log_explains(y_code, codes, CONFIG, pins.events)


def test_a_refresh_of_an_all_zero_value_counts_while_its_key_is_held():
    codes = random_codes(CONFIG, TOKENS, seed=126)
    codes["v_code"][10] = 0
    y_code, pins = played_with(codes, {17: visit_of(10, codes)})
    assert single_writes(pins) == [(array, "refresh", slot_of(10), 10) for array in "KV"]
    assert_log_explains(y_code, codes, CONFIG, pins.events)
    assert (y_code != attend(**codes, config=CONFIG)).any()


def test_an_all_zero_token_may_be_refreshed_again_and_again():
    codes = random_codes(CONFIG, TOKENS, seed=127)
    codes["k_code"][10] = codes["v_code"][10] = 0
    y_code, pins = played_with(codes, {t: visit_of(10, codes) for t in (12, 15, 18)})
    assert single_writes(pins) == [(array, "clear", slot_of(10), -1) for array in "KV"] * 3
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))


def test_an_empty_value_may_be_cleared_behind_the_key_of_the_next_token():
    """The K write of a token may come between the two writes of a clear of its column."""
    codes = random_codes(CONFIG, TOKENS, seed=128)
    tokens = one_after_the_other(**codes, config=CONFIG)
    blank = WritePort(1, 0, *divmod(slot_of(5), CONFIG.columns), 0)
    # A token's list begins with its cycle 1.
    end = CONFIG.timing.v_write.start - 2
    assert end > CONFIG.timing.k_write.end - 1
    for cycle in range(end - CONFIG.write_cycles, end):
        tokens[5][cycle] = tokens[5][cycle]._replace(v=blank)
    y_code, pins = play(in_one_run(tokens, CONFIG), CONFIG)
    assert single_writes(pins) == [("V", "clear", slot_of(5), -1)]
    np.testing.assert_array_equal(y_code, attend(**codes, config=CONFIG))
    assert_log_explains(y_code, codes, CONFIG, pins.events)


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize(("slot", "place"), [(5, (1, 2)), (CONFIG.window + 1, (4, 1))])
def test_refuses_a_refresh_of_a_column_that_holds_no_token(array, slot, place):
    codes = random_codes(CONFIG, 1, seed=129)
    data = {"k_code" if array == "K" else "v_code": np.arange(CONFIG.head_dim)}
    visit = rewrite_cycles(CONFIG, slot, **data)
    end = CONFIG.timing.clear_cycles + len(visit) - 1
    with pytest.raises(ElectricalError) as caught:
        played_with(codes, {0: visit})
    tile, column = place
    said = f"{array} refresh of sub-tile {tile}, column {column}, which holds no token"
    assert str(caught.value) == f"cycle {end}: {said}"


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize("emptied", ["a new sequence", "reset"])
def test_refuses_data_for_a_column_emptied_since(array, emptied):
    codes = random_codes(CONFIG, 6, seed=130)
    pins = ArrayPins(CONFIG)
    put(pins, in_one_run(one_after_the_other(**codes, config=CONFIG), CONFIG))
    if emptied == "a new sequence":
        put(pins, [*clear_cycles(CONFIG), Wires()])
    else:
        pins.forget_pulses_and_log()
    data = (codes["k_code"][4], None) if array == "K" else (None, codes["v_code"][4])
    with pytest.raises(ElectricalError, match=f"{array} refresh of .* which holds no token$"):
        put(pins, rewrite_cycles(CONFIG, slot_of(4), *data))


@AGES
@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize("stale", ["other codes", "the token before in this column"])
def test_other_codes_than_the_token_s_show_in_the_answers(array, stale, config):
    codes = random_codes(config, TOKENS, seed=131)
    wrong = {name: code.copy() for name, code in codes.items()}
    name = "k_code" if array == "K" else "v_code"
    if stale == "other codes":
        wrong[name][20] = 7 - wrong[name][20]
    else:
        wrong[name][20] = wrong[name][20 - config.window]
    y_code, pins = played_with(codes, {22: visit_of(20, wrong)}, config)
    assert single_writes(pins) == [(each, "refresh", slot_of(20), 20) for each in "KV"]
    told = attend(**codes, config=config, events=pins.events)
    np.testing.assert_array_equal(y_code[:22], told[:22])
    assert (y_code != told).any()


def test_a_refresh_cut_short_leaves_cells_unknown():
    codes = random_codes(CONFIG, TOKENS, seed=132)
    visit = visit_of(20, codes)
    del visit[0]
    with pytest.raises(ElectricalError, match=r"sub-tiles \[\d\] read cells whose write failed$"):
        played_with(codes, {22: visit})


def random_visits(codes, config: HeadConfig, rng: np.random.Generator) -> dict[int, list[Wires]]:
    """Before each token a few columns, full and empty; each full one is refreshed or dropped."""
    visits = {}
    blank = np.zeros(config.head_dim, dtype=int)
    for token in range(len(codes["k_code"])):
        visits[token] = []
        for slot in rng.integers(0, config.stored_columns, rng.integers(0, 4)):
            held = holder_of(slot, token, config)
            if held is None or rng.random() < 0.3:
                visits[token] += rewrite_cycles(config, slot, blank, blank)
            else:
                visits[token] += visit_of(held, codes, config)
    return visits


@pytest.mark.parametrize(
    ("group", "age_mode"), [(1, "steps"), (1, "time"), (2, "time"), (3, "steps")]
)
@pytest.mark.parametrize("name", rest_slow(GEOMETRIES, 3))
def test_log_explains_the_answers_whatever_is_refreshed_or_dropped(name, group, age_mode):
    fields = GEOMETRIES[name].fields_set() | {"age_mode": age_mode, "refresh": False}
    if age_mode == "time":
        fields["retention_s"] = 3000e-9 * group
    config = HeadConfig(**fields)
    codes = random_codes(config, 3 * config.window + config.sink + 6, 133, group)
    visits = random_visits(codes, config, np.random.default_rng(133))
    y_code, pins = played_with(codes, visits, config)
    assert {"refresh", "clear"} <= {kind for _, kind, _, _ in single_writes(pins)}
    assert_log_explains(y_code, codes, config, pins.events)
    if config.window > 2:
        assert (y_code != played_with(codes, {}, config)[0]).any()


@pytest.mark.parametrize("schedule", ["overlapped", "paired"])
@pytest.mark.parametrize("group", [1, 2])
def test_visits_may_overlap_the_phases_of_tokens(schedule, group):
    """A visit takes the place of a query: its writes at a token's offsets, and no phases."""
    config = HeadConfig(**CONFIG.fields_set() | {"schedule": schedule})
    codes = random_codes(config, TOKENS, 134, group)
    of_tokens = launches(**codes, config=config)
    queries: list[list[Wires]] = []
    for token, own in enumerate(of_tokens):
        queries += own
        if token > 3 and token % 2:
            visited = token - 3 if token % 3 else token
            whole = of_tokens[visited][0]
            queries.append([Wires(k=wires.k, v=wires.v) for wires in whole])
    cycles = clear_cycles(config) + overlapped(queries, config, config.interval_cycles)
    y_code, pins = play(cycles, config, check_age=False)
    y_code = y_code.reshape(codes["q_code"].shape)
    assert {kind for _, kind, _, _ in single_writes(pins)} == {"refresh"}
    assert_covers(y_code)
    assert_log_explains(y_code, codes, config, pins.events)
    plain = at_interval(**codes, config=config, interval=config.interval_cycles)
    unrefreshed = play(plain, config, check_age=False)[0].reshape(y_code.shape)
    assert (y_code != unrefreshed).any()


def test_only_a_write_that_ends_as_a_read_begins_is_a_token():
    codes = random_codes(CONFIG, 4, seed=135)
    own = launches(**codes, config=CONFIG)
    query = [wires._replace(k=WritePort(), v=WritePort()) for wires in own[2][0]]
    refresh = visit_of(2, codes)
    cycles = in_one_run(chain(*own[:3], [refresh, query]), CONFIG)
    _, pins = play(cycles, CONFIG)
    for array in "KV":
        kinds = pins.events[pins.events["array"] == array]
        assert kinds["kind"].tolist() == ["clear", *["write", "read"] * 3, "refresh", "read"]
        assert kinds["token"].tolist() == [-1, 0, 0, 1, 1, 2, 2, 2, 2]
