"""The arrays in time, under a perfect control, against attend: equal to the last bit."""

import numpy as np
import pytest
from driven_wires import in_one_run, launches, play
from literal_head import as_arrays, literal_answers_to_events
from token_codes import GEOMETRIES, assert_covers, random_codes

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.behavioral.control import run_arrays
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import Wires
from gaincell.config import HeadConfig

RETENTION_TOKENS = 15
"""Long enough that a cleared cell answers with a negative charge for more than one lap."""


def timed(config: HeadConfig) -> HeadConfig:
    """The same head, ages in cycles, leaking by 6 % from one token to the next."""
    retention_s = RETENTION_TOKENS * config.timing.out.end * config.clock_s
    leaky = {"age_mode": "time", "retention_s": retention_s, "refresh": False}
    return HeadConfig(**config.fields_set() | leaky)


def undecayed(config: HeadConfig) -> HeadConfig:
    return HeadConfig(**config.fields_set() | {"age_mode": "steps", "retention_s": 1e6})


def laps_of(config: HeadConfig) -> int:
    return max(3 * config.window + config.sink + 2, 24)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_equal_attend_with_and_without_the_event_log(name):
    config = GEOMETRIES[name]
    codes = random_codes(config, laps_of(config), seed=11)
    y_code, events = run_arrays(**codes, config=config)
    detail = attend_in_detail(**codes, config=config)
    assert detail.ties == 0
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, detail.y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=events))


@pytest.mark.parametrize("name", GEOMETRIES)
def test_equal_attend_with_ages_in_cycles(name):
    config = timed(GEOMETRIES[name])
    codes = random_codes(config, laps_of(config), seed=12)
    y_code, events = run_arrays(**codes, config=config)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=events))
    literal, _ = as_arrays(literal_answers_to_events(**codes, config=config, events=events))
    np.testing.assert_array_equal(y_code, literal)
    if config.window > 2:
        assert (y_code != attend(**codes, config=undecayed(config))).any()


@pytest.mark.parametrize("name", ["odd sizes, full sink", "one column per sub-tile", "strong leak"])
@pytest.mark.parametrize("age", ["steps", "time"])
def test_equal_attend_over_several_sequences(name, age):
    config = GEOMETRIES[name] if age == "steps" else timed(GEOMETRIES[name])
    tokens = laps_of(config)
    codes = random_codes(config, tokens, seed=13)
    first = np.zeros(tokens, dtype=bool)
    first[[config.window + 2, config.window + 3, tokens // 2 + 4]] = True
    y_code, events = run_arrays(**codes, config=config, first=first)
    answered = attend(**codes, config=config, first=first, events=events)
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, answered)
    assert (y_code != run_arrays(**codes, config=config)[0]).any()


def test_strong_leak_in_steps_changes_outputs():
    config = GEOMETRIES["strong leak"]
    codes = random_codes(config, laps_of(config), seed=14)
    y_code, _ = run_arrays(**codes, config=config)
    changed = y_code != attend(**codes, config=undecayed(config))
    assert np.count_nonzero(changed) > changed.size / 4


def test_ages_in_cycles_count_the_clock():
    """A clock ten times slower leaks ten times as much between tokens."""
    config = timed(GEOMETRIES["odd sizes"])
    slow = HeadConfig(**config.fields_set() | {"clock_s": 10 * config.clock_s})
    tenth = HeadConfig(**slow.fields_set() | {"retention_s": 10 * slow.retention_s})
    codes = random_codes(config, 50, seed=15)
    y_code, _ = run_arrays(**codes, config=config)
    assert (run_arrays(**codes, config=slow)[0] != y_code).any()
    np.testing.assert_array_equal(run_arrays(**codes, config=tenth)[0], y_code)


def test_ages_in_cycles_run_from_the_end_of_the_write_to_the_start_of_the_phase():
    """A control that waits with a token's second query, differently for keys and for values."""
    config = timed(GEOMETRIES["odd sizes, one sink token"])
    # Tokens last eight times as long, so must cells.
    config = HeadConfig(**config.fields_set() | {"retention_s": 8 * config.retention_s})
    codes = random_codes(config, 50, seed=19, group=2)
    timing = config.timing
    late = []
    for (first, second), position in zip(launches(**codes, config=config), range(50), strict=True):
        qk, av = timing.qk.start - 1, timing.av.start - 1
        waits = [Wires()] * (70 + position), [Wires()] * 200
        second = [*second[:qk], *waits[0], *second[qk:av], *waits[1], *second[av:]]
        late.append(first + second)
    y_code, pins = play(in_one_run(late, config), config, check_age=False)
    y_code = y_code.reshape(50, 2, -1)
    literal, _ = as_arrays(literal_answers_to_events(**codes, config=config, events=pins.events))
    assert_covers(y_code)
    np.testing.assert_array_equal(y_code, literal)
    np.testing.assert_array_equal(y_code, attend(**codes, config=config, events=pins.events))
    query_cycles = timing.out.end + config.sync_stages - 1
    of_array = {array: pins.events[pins.events["array"] == array] for array in "KV"}
    for own, wait in zip(of_array.values(), (70, 270), strict=True):
        written, read = (own["cycle"][own["kind"] == kind] for kind in ("write", "read"))
        assert (read[::2] == written).all()
        waited = query_cycles + wait + np.arange(50)
        np.testing.assert_array_equal(read[1::2] - written, waited)


def test_power_up_state_never_shows():
    config = GEOMETRIES["odd sizes, one sink token"]
    codes = random_codes(config, 40, seed=16)
    runs = [
        run_arrays(**codes, config=config, rng=np.random.default_rng(seed))[0] for seed in range(4)
    ]
    assert_covers(runs[0])
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])


def test_log_names_every_clear_write_and_read_in_order():
    config = HeadConfig(head_dim=2, window=2, columns=2, sink=1)
    codes = random_codes(config, 3, seed=17)
    first = np.array([1, 0, 0])
    _, events = run_arrays(**codes, config=config, first=first)
    of_array = {array: events[events["array"] == array] for array in "KV"}
    for own in of_array.values():
        happened = [(str(kind), int(slot), int(token)) for _, _, kind, slot, token in own]
        assert happened == [
            ("clear", -1, -1),
            ("write", 2, 0),
            ("read", -1, 0),
            ("write", 1, 1),
            ("read", -1, 1),
            ("write", 0, 2),
            ("read", -1, 2),
        ]
    timing, clear = config.timing, config.timing.clear_cycles
    token_cycles = timing.out.end + config.sync_stages - 1
    for index in range(3):
        # The first cycle on the wires is cycle 1 of the token's own count.
        launch = clear + index * token_cycles - 1
        k_cycles = of_array["K"]["cycle"][1 + 2 * index : 3 + 2 * index] - launch
        v_cycles = of_array["V"]["cycle"][1 + 2 * index : 3 + 2 * index] - launch
        assert k_cycles.tolist() == [timing.k_write.end, timing.qk.start]
        assert v_cycles.tolist() == [timing.v_write.end, timing.av.start]


def test_no_tokens_leave_no_outputs_and_no_events():
    config = GEOMETRIES["odd sizes"]
    none = np.zeros((0, config.head_dim), dtype=np.int64)
    y_code, events = run_arrays(none, none, none, config)
    assert y_code.shape == (0, config.head_dim)
    assert events.size == 0


def test_explicit_zero_faults_change_nothing():
    config = GEOMETRIES["own polynomial"]
    codes = random_codes(config, 40, seed=18)
    ideal, ideal_log = run_arrays(**codes, config=config)
    y_code, log = run_arrays(**codes, config=config, faults=Faults())
    np.testing.assert_array_equal(y_code, ideal)
    np.testing.assert_array_equal(log, ideal_log)
