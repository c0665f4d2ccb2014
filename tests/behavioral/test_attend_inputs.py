"""What attend refuses, and in which words; run_arrays refuses the same."""

import numpy as np
import pytest

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.behavioral.control import run_arrays
from gaincell.config import HeadConfig

CONFIG = HeadConfig(head_dim=3, window=4, columns=2)
TOKENS = 5
WAYS = pytest.mark.parametrize("way", [attend, attend_in_detail, run_arrays])


def codes(**changed):
    zeros = np.zeros((TOKENS, CONFIG.head_dim), dtype=np.int64)
    return {"q_code": zeros, "k_code": zeros, "v_code": zeros, "config": CONFIG} | changed


def with_code(value: int) -> np.ndarray:
    code = np.zeros((TOKENS, CONFIG.head_dim), dtype=np.int64)
    code[3, 1] = value
    return code


def message_of(expected: type[Exception], way, **changed) -> str:
    with pytest.raises(expected) as caught:
        way(**codes(**changed))
    return str(caught.value)


@WAYS
@pytest.mark.parametrize("name", ["q", "k", "v"])
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (np.zeros((TOKENS, 3)), "float64"),
        (np.full((TOKENS, 3), np.nan), "float64"),
        (np.zeros((TOKENS, 3), dtype=bool), "bool"),
        ([[0, 0, 0]] * TOKENS, "list"),
        (None, "NoneType"),
    ],
)
def test_rejects_codes_that_are_not_integer_arrays(way, name, wrong, kind):
    said = message_of(TypeError, way, **{f"{name}_code": wrong})
    assert said == f"{name} is {kind}, but must be an integer array of codes"


@WAYS
@pytest.mark.parametrize("shape", [(), (3,), (2, TOKENS, 1, 3)])
def test_rejects_queries_that_are_no_table_of_tokens(way, shape):
    said = message_of(ValueError, way, q_code=np.zeros(shape, dtype=np.int64))
    assert said == f"q has shape {shape}, but must be (tokens, 3) or (tokens, queries, 3)"


@WAYS
@pytest.mark.parametrize("tokens", [0, TOKENS])
def test_rejects_tokens_without_a_query(way, tokens):
    none, keys = np.zeros((tokens, 0, 3), dtype=np.int64), np.zeros((tokens, 3), dtype=np.int64)
    said = message_of(ValueError, way, q_code=none, k_code=keys, v_code=keys)
    assert said == f"q has shape ({tokens}, 0, 3), but a token must have at least one query"


@WAYS
@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("q", (TOKENS, 4), (TOKENS, 3)),
        ("k", (TOKENS, 2), (TOKENS, 3)),
        ("k", (TOKENS + 1, 3), (TOKENS, 3)),
        ("v", (3,), (TOKENS, 3)),
        ("q", (TOKENS, 2, 4), (TOKENS, 2, 3)),
        ("k", (TOKENS, 2, 3), (TOKENS, 3)),
        ("v", (TOKENS, 1, 3), (TOKENS, 3)),
    ],
)
def test_rejects_wrong_shapes(way, name, shape, wanted):
    said = message_of(ValueError, way, **{f"{name}_code": np.zeros(shape, dtype=np.int64)})
    assert said == f"{name} has shape {shape}, but must be {wanted}"


@WAYS
@pytest.mark.parametrize(("name", "largest"), [("q", 15), ("k", 7), ("v", 7)])
def test_accepts_the_largest_code_and_rejects_the_next_and_minus_one(way, name, largest):
    way(**codes(**{f"{name}_code": with_code(largest)}))
    for value in (largest + 1, -1):
        said = message_of(ValueError, way, **{f"{name}_code": with_code(value)})
        assert said == f"{name}[3, 1] is {value}, but codes must be 0..{largest}"


@WAYS
def test_accepts_the_largest_code_of_any_query_and_names_the_place_of_one_too_large(way):
    q_code = np.zeros((TOKENS, 2, 3), dtype=np.int64)
    q_code[3, 1, 2] = 15
    way(**codes(q_code=q_code))
    q_code[3, 1, 2] = 16
    said = message_of(ValueError, way, q_code=q_code)
    assert said == "q[3, 1, 2] is 16, but codes must be 0..15"


@WAYS
@pytest.mark.parametrize("first", [[True] * TOKENS, np.zeros(TOKENS), "first"])
def test_rejects_flags_of_a_wrong_type(way, first):
    said = message_of(TypeError, way, first=first)
    assert said == "first must be an array of bool, or of 0 and 1"


@WAYS
def test_rejects_flags_of_a_wrong_shape_or_value(way):
    said = message_of(ValueError, way, first=np.zeros(TOKENS + 1, dtype=bool))
    assert said == "first has shape (6,), but must be (5,)"
    said = message_of(ValueError, way, first=np.full(TOKENS, 2))
    assert said == "first must hold only 0 and 1"
    of_queries = np.zeros((TOKENS, 2, 3), dtype=np.int64)
    said = message_of(ValueError, way, q_code=of_queries, first=np.zeros(2 * TOKENS, dtype=bool))
    assert said == "first has shape (10,), but must be (5,)"


@WAYS
def test_leaves_its_inputs_as_they_were(way):
    given = codes(q_code=with_code(9), first=np.zeros(TOKENS, dtype=bool))
    before = {name: np.copy(value) for name, value in given.items() if name != "config"}
    way(**given)
    for name, value in before.items():
        np.testing.assert_array_equal(given[name], value)


def test_refuses_age_in_cycles_without_the_events_that_tell_it():
    timed = HeadConfig(**CONFIG.fields_set() | {"age_mode": "time"})
    said = message_of(ValueError, attend, config=timed)
    assert said == 'age_mode is "time", which needs the events of a co-simulation'
