"""attend told by an event log, with refreshes and clears; and logs that are wrong."""

import numpy as np
import pytest
from literal_head import as_arrays, literal_answers_to_events
from token_codes import assert_covers, random_codes

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.behavioral.events import EVENT, event_log
from gaincell.config import HeadConfig

STEPS = HeadConfig(
    head_dim=4,
    window=6,
    columns=3,
    sink=1,
    retention_s=10e-6,
    score_saturation=9.0,
    output_saturation=6.0,
)
TIME = HeadConfig(**STEPS.fields_set() | {"age_mode": "time", "retention_s": 0.6e-6})
TOKENS = 40
Event = tuple[int, str, str, int, int]
Extra = tuple[str, int, int] | tuple[str, int, int, str]
"""Kind, slot and token, on both arrays or on the one named."""


def slot_of(position: int) -> int:
    return STEPS.window + position if position < STEPS.sink else position % STEPS.window


def token_events(token: int, cycle: int) -> list[Event]:
    """A token's own events; the V array runs 15 cycles behind the K array."""
    slot = slot_of(token)
    return [
        (cycle, "K", "write", slot, token),
        (cycle, "K", "read", -1, token),
        (cycle + 15, "V", "write", slot, token),
        (cycle + 15, "V", "read", -1, token),
    ]


def run_of(extra: dict[int, list[Extra]], spacing: int = 40) -> np.ndarray:
    """A log of TOKENS tokens with ``extra`` events in the gaps before some of them."""
    events: list[Event] = []
    for token in range(TOKENS):
        cycle = token * spacing
        for place, (kind, slot, held, *only) in enumerate(extra.get(token, [])):
            for array in only or "KV":
                at = cycle - 10 + place + (15 if array == "V" else 0)
                events.append((at, array, kind, slot, held))
        events += token_events(token, cycle)
    return event_log(events)


EXTRAS = {
    "nothing": {},
    "refreshes": {
        9: [("refresh", slot_of(7), 7), ("refresh", slot_of(0), 0)],
        20: [("refresh", slot_of(t), t) for t in (14, 17, 0)],
        31: [("refresh", slot_of(30), 30)],
    },
    "a refresh of one column again and again": {
        t: [("refresh", slot_of(0), 0)] for t in range(2, 40, 3)
    },
    "a refresh of values only": {16: [("refresh", slot_of(t), t, "V") for t in (0, 12, 13)]},
    "a refresh of keys only": {16: [("refresh", slot_of(t), t, "K") for t in (0, 12, 13)]},
    "a column dropped": {12: [("clear", slot_of(9), -1)], 25: [("clear", slot_of(0), -1)]},
    "all cleared": {18: [("clear", -1, -1)]},
    "all cleared twice, a refresh between": {
        5: [("clear", -1, -1)],
        8: [("refresh", slot_of(6), 6), ("clear", slot_of(7), -1)],
        22: [("clear", -1, -1)],
    },
    "dropped, then its data came late": {
        14: [("clear", slot_of(11), -1)],
        15: [("refresh", slot_of(11), 11)],
    },
}


@pytest.mark.parametrize("config", [STEPS, TIME], ids=["steps", "time"])
@pytest.mark.parametrize("name", EXTRAS)
def test_equals_a_literal_replay_of_the_log(name, config):
    codes = random_codes(config, TOKENS, seed=71)
    events = run_of(EXTRAS[name])
    answers = literal_answers_to_events(**codes, config=config, events=events)
    y_code, tile_code = as_arrays(answers)
    assert answers.ties == 0
    assert_covers(y_code)
    detail = attend_in_detail(**codes, config=config, events=events)
    np.testing.assert_array_equal(detail.y_code, y_code)
    np.testing.assert_array_equal(detail.tile_code, tile_code)
    np.testing.assert_array_equal(attend(**codes, config=config, events=events), y_code)


@pytest.mark.parametrize("config", [STEPS, TIME], ids=["steps", "time"])
@pytest.mark.parametrize("name", [name for name in EXTRAS if name != "nothing"])
def test_every_extra_event_changes_answers_and_only_later_ones(name, config):
    codes = random_codes(config, TOKENS, seed=71)
    plain = attend(**codes, config=config, events=run_of({}))
    y_code = attend(**codes, config=config, events=run_of(EXTRAS[name]))
    changed = np.flatnonzero((y_code != plain).any(axis=1))
    assert changed.size
    assert changed[0] >= min(EXTRAS[name])


@pytest.mark.parametrize("array", ["K", "V"])
def test_a_column_counts_only_while_key_and_value_are_of_one_token(array):
    codes = random_codes(STEPS, TOKENS, seed=79)
    events = run_of({})
    lost = (events["array"] == array) & (events["kind"] == "write") & (events["token"] == 20)
    events = events[~lost]
    y_code = attend(**codes, config=STEPS, events=events)
    answers = literal_answers_to_events(**codes, config=STEPS, events=events)
    np.testing.assert_array_equal(y_code, as_arrays(answers)[0])
    differs = (y_code != attend(**codes, config=STEPS)).any(axis=1)
    assert differs[20]
    assert not differs[26:].any()


def test_uneventful_log_is_the_same_as_none():
    codes = random_codes(STEPS, TOKENS, seed=72)
    y_code = attend(**codes, config=STEPS)
    assert_covers(y_code)
    np.testing.assert_array_equal(attend(**codes, config=STEPS, events=run_of({})), y_code)


def test_ages_in_cycles_follow_the_spacing_of_tokens():
    codes = random_codes(TIME, TOKENS, seed=73)
    near = attend(**codes, config=TIME, events=run_of({}, spacing=40))
    far = attend(**codes, config=TIME, events=run_of({}, spacing=80))
    assert (near != far).any()
    slower = HeadConfig(**TIME.fields_set() | {"retention_s": 2 * TIME.retention_s})
    again = attend(**codes, config=slower, events=run_of({}, spacing=80))
    np.testing.assert_array_equal(again, near)


@pytest.mark.parametrize("array", ["K", "V"])
def test_refuses_a_log_without_the_read_of_a_token(array):
    codes = random_codes(STEPS, TOKENS, seed=74)
    events = run_of({})
    lost = (events["array"] == array) & (events["kind"] == "read") & (events["token"] == 7)
    with pytest.raises(ValueError, match=f"^events hold no read of array {array} by token 7$"):
        attend(**codes, config=STEPS, events=events[~lost])
    with pytest.raises(ValueError, match=r"^events hold no read of array K by token 0$"):
        attend(**codes, config=STEPS, events=event_log([]))


@pytest.mark.parametrize("slot", [7, 100])
def test_refuses_slots_that_do_not_exist(slot):
    codes = random_codes(STEPS, TOKENS, seed=75)
    events = run_of({4: [("refresh", slot, 2)]})
    with pytest.raises(ValueError, match=r"^events name slots outside 0\.\.6$"):
        attend(**codes, config=STEPS, events=events)


@pytest.mark.parametrize("token", [-2, TOKENS])
def test_refuses_tokens_that_do_not_exist(token):
    codes = random_codes(STEPS, TOKENS, seed=76)
    events = run_of({4: [("refresh", 2, token)]})
    with pytest.raises(ValueError, match=rf"^events name tokens outside 0\.\.{TOKENS - 1}$"):
        attend(**codes, config=STEPS, events=events)


@pytest.mark.parametrize("kind", ["write", "refresh", "read"])
def test_refuses_an_event_that_lacks_its_token(kind):
    codes = random_codes(STEPS, TOKENS, seed=77)
    events = run_of({4: [(kind, 2, -1)]})
    with pytest.raises(ValueError, match=f"^events hold a {kind} without its token$"):
        attend(**codes, config=STEPS, events=events)


@pytest.mark.parametrize(
    "events", [[], np.zeros(3), np.zeros(3, dtype=EVENT.descr[:-1]), "events"], ids=repr
)
def test_refuses_what_is_no_event_log(events):
    codes = random_codes(STEPS, TOKENS, seed=78)
    with pytest.raises(TypeError) as caught:
        attend(**codes, config=STEPS, events=events)
    said = "events must be an array of dtype gaincell.behavioral.events.EVENT"
    assert str(caught.value) == said


def test_log_is_sorted_by_cycle_and_keeps_the_order_within_one():
    log = event_log([(5, "V", "write", 1, 0), (3, "K", "write", 1, 0), (3, "K", "read", -1, 0)])
    assert log["cycle"].tolist() == [3, 3, 5]
    assert log["kind"].tolist() == ["write", "read", "write"]
    assert log.dtype == EVENT


@pytest.mark.parametrize(
    ("field", "value", "known"),
    [("array", "Q", "K, V"), ("kind", "wipe", "write, refresh, clear, read")],
)
def test_refuses_events_of_an_unknown_kind(field, value, known):
    codes = random_codes(STEPS, TOKENS, seed=79)
    events = run_of({})
    events[field][1] = value
    with pytest.raises(ValueError, match=f'^events name the {field} "{value}", but know {known}$'):
        attend(**codes, config=STEPS, events=events)
