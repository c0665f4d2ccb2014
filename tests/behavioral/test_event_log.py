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
TIME = HeadConfig(
    **STEPS.fields_set() | {"age_mode": "time", "retention_s": 0.6e-6, "refresh": False}
)
TOKENS = 40
Event = tuple[int, str, str, int, int]
Extra = tuple[str, int, int] | tuple[str, int, int, str]
"""Kind, slot and token, on both arrays or on the one named."""


def slot_of(position: int) -> int:
    return STEPS.window + position if position < STEPS.sink else position % STEPS.window


def token_events(token: int, cycle: int, group: int = 1) -> list[Event]:
    """A token's own events; the V array runs 15 cycles behind the K array, queries 30 apart."""
    slot = slot_of(token)
    events: list[Event] = []
    for array, at in (("K", cycle), ("V", cycle + 15)):
        events.append((at, array, "write", slot, token))
        events += [(at + 30 * place, array, "read", -1, token) for place in range(group)]
    return events


def run_of(extra: dict[int, list[Extra]], spacing: int = 40, group: int = 1) -> np.ndarray:
    """A log of TOKENS tokens with ``extra`` events in the gaps before some of them."""
    spacing += 30 * (group - 1)
    events: list[Event] = []
    for token in range(TOKENS):
        cycle = token * spacing
        for place, (kind, slot, held, *only) in enumerate(extra.get(token, [])):
            for array in only or "KV":
                at = cycle - 10 + place + (15 if array == "V" else 0)
                events.append((at, array, kind, slot, held))
        events += token_events(token, cycle, group)
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
    "keys dropped, their values a token later": {
        14: [("clear", slot_of(11), -1, "K")],
        15: [("clear", slot_of(11), -1, "V")],
    },
    "dropped, cleared again while empty, written by a token, refreshed": {
        9: [("clear", slot_of(8), -1)],
        11: [("clear", slot_of(8), -1)],
        13: [("clear", slot_of(8), -1), ("clear", slot_of(8), -1)],
        17: [("refresh", slot_of(14), 14), ("refresh", slot_of(16), 16)],
    },
    "empty columns cleared before any token came": {
        2: [("clear", slot, -1) for slot in (4, 5)],
        4: [("clear", 5, -1), ("refresh", slot_of(1), 1)],
    },
}


@pytest.mark.parametrize("config", [STEPS, TIME], ids=["steps", "time"])
@pytest.mark.parametrize("group", [None, 2, 3])
@pytest.mark.parametrize("name", EXTRAS)
def test_equals_a_literal_replay_of_the_log(name, group, config):
    codes = random_codes(config, TOKENS, 71, group)
    events = run_of(EXTRAS[name], group=group or 1)
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


def test_extra_events_between_the_queries_of_a_token_divide_them():
    codes = random_codes(TIME, TOKENS, 80, group=2)
    between = [
        (token * 70 + 25 + late, array, "refresh", slot_of(token - 3), token - 3)
        for token in range(6, TOKENS, 5)
        for array, late in (("K", 0), ("V", 15))
    ]
    events = event_log([*run_of({}, group=2).tolist(), *between])
    answers = literal_answers_to_events(**codes, config=TIME, events=events)
    y_code = attend(**codes, config=TIME, events=events)
    np.testing.assert_array_equal(y_code, as_arrays(answers)[0])
    differs = (y_code != attend(**codes, config=TIME, events=run_of({}, group=2))).any(axis=2)
    assert not differs[:6].any()
    assert not differs[6, 0]
    assert differs[6, 1]


@pytest.mark.parametrize("array", ["K", "V"])
@pytest.mark.parametrize(
    ("group", "change", "said"),
    [
        (2, lambda reads: [*reads[:15], *reads[16:]], "1 of 2 reads"),
        (2, lambda reads: [*reads[:14], *reads[16:]], "no read"),
        (2, lambda reads: [*reads, reads[15]], "3 reads instead of 2"),
        (1, lambda reads: [*reads, reads[7]], "2 reads instead of 1"),
    ],
)
def test_refuses_a_log_that_lacks_reads_or_has_too_many(array, group, change, said):
    codes = random_codes(STEPS, TOKENS, 81, group)
    log = run_of({}, group=group)
    is_read = (log["array"] == array) & (log["kind"] == "read")
    events = event_log([*log[~is_read].tolist(), *change(log[is_read].tolist())])
    with pytest.raises(ValueError, match=f"^events hold {said} of array {array} by token 7$"):
        attend(**codes, config=STEPS, events=events)


def test_refuses_a_log_for_another_number_of_queries():
    of_two = random_codes(STEPS, TOKENS, 82, group=2)
    with pytest.raises(ValueError, match=r"^events hold 1 of 2 reads of array K by token 0$"):
        attend(**of_two, config=STEPS, events=run_of({}))
    of_one = random_codes(STEPS, TOKENS, 82)
    with pytest.raises(ValueError, match=r"^events hold 2 reads instead of 1 of array K by tok"):
        attend(**of_one, config=STEPS, events=run_of({}, group=2))


@pytest.mark.parametrize("array", ["K", "V"])
def test_refuses_reads_that_are_not_in_the_order_of_their_tokens(array):
    codes = random_codes(STEPS, TOKENS, 83, group=2)
    events = run_of({}, group=2)
    at = np.flatnonzero((events["array"] == array) & (events["kind"] == "read"))
    events["token"][at[[9, 10]]] = events["token"][at[[10, 9]]]
    said = f"^events name token 5 for read 9 of array {array}, which is by token 4$"
    with pytest.raises(ValueError, match=said):
        attend(**codes, config=STEPS, events=events)


@pytest.mark.parametrize("array", ["K", "V"])
def test_refuses_a_log_without_the_read_of_a_token(array):
    codes = random_codes(STEPS, TOKENS, seed=74)
    events = run_of({})
    lost = (events["array"] == array) & (events["kind"] == "read") & (events["token"] == 7)
    with pytest.raises(ValueError, match=f"^events hold no read of array {array} by token 7$"):
        attend(**codes, config=STEPS, events=events[~lost])
    with pytest.raises(ValueError, match=r"^events hold no read of array K by token 0$"):
        attend(**codes, config=STEPS, events=event_log([]))


@pytest.mark.parametrize("slot", [-2, 7, 100])
@pytest.mark.parametrize("kind", ["refresh", "clear"])
def test_refuses_slots_that_do_not_exist(slot, kind):
    codes = random_codes(STEPS, TOKENS, seed=75)
    events = run_of({4: [(kind, slot, 2, "V")]})
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


@pytest.mark.parametrize("kind", ["write", "refresh"])
def test_refuses_a_write_that_lacks_its_slot(kind):
    codes = random_codes(STEPS, TOKENS, seed=77)
    events = run_of({4: [(kind, -1, 2)]})
    with pytest.raises(ValueError, match=f"^events hold a {kind} without its slot$"):
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
