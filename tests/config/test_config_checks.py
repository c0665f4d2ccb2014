"""What HeadConfig refuses, and in which words."""

import ast
import inspect
import math
import re
from dataclasses import FrozenInstanceError, fields
from itertools import pairwise

import numpy as np
import pytest

from gaincell.config import HeadConfig

UNITS = {"V": "full_scale_v center_v", "s": "retention_s token_s clock_s"}
"""Fields by the unit that a refusal of them names."""
QUANTITIES = ["full_scale_v", "retention_s", "token_s", "clock_s"]
QUANTITIES_OR_NONE = ["score_saturation", "output_saturation"]


def docstrings() -> dict[str, str]:
    """What each field of HeadConfig says of itself."""
    body = ast.parse(inspect.getsource(HeadConfig)).body[0].body
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def documented_bounds() -> dict[str, tuple[int, int | None]]:
    """Bounds of each whole number as its docstring gives them: ``>= 1``, ``1..8`` or ``1 or 2``."""
    bounds: dict[str, tuple[int, int | None]] = {"window": (1, None), "sink": (0, None)}
    for name, text in docstrings().items():
        if found := re.search(r"(\d+)(?:\.\.| or )(\d+)(?= \(|;|$)", text):
            bounds[name] = int(found[1]), int(found[2])
        elif found := re.search(r">= (\d+)", text):
            bounds[name] = int(found[1]), None
    return bounds


BOUNDS = documented_bounds()


def message_of(expected: type[Exception], **fields: object) -> str:
    with pytest.raises(expected) as caught:
        HeadConfig(**fields)
    assert type(caught.value) is expected
    return str(caught.value)


def test_every_whole_number_has_documented_bounds():
    whole = {field.name for field in fields(HeadConfig) if field.type == "int"}
    assert whole == BOUNDS.keys()
    assert sum(high is not None for _, high in BOUNDS.values()) == 5


@pytest.mark.parametrize("name", BOUNDS)
def test_whole_numbers_are_bounded_as_documented(name):
    low, high = BOUNDS[name]
    said = f"at least {low}" if high is None else f"{low}..{high}"
    for value in [low - 1, -7] + ([] if high is None else [high + 1]):
        refused = message_of(ValueError, **{name: value})
        assert refused == f"{name} is {value}, but must be {said}"
    for value in (4.0, True, None, np.int64(4)):
        refused = message_of(TypeError, **{name: value})
        assert refused == f"{name} is {value!r}, but must be a whole number, {said}"
    assert message_of(TypeError, **{name: "4"}).startswith(f'{name} is "4", but must be a whole')
    fitting = {"window": {"columns": 1}, "columns": {"window": 64}}.get(name, {})
    for value in (low, low + 1 if high is None else high):
        fields_ = {name: value, "refresh": False, **fitting}
        assert getattr(HeadConfig(**fields_), name) == value


def test_rejects_retention_too_short_to_refresh_every_column():
    assert message_of(ValueError, retention_s=0.1e-3) == (
        "1024 columns cannot be refreshed within 1.54e-05 s: that leaves 12 cycles for each, "
        "but 84 are needed, 0.000108 s in all; raise retention_s or retention_error, "
        "lower window or clock_s, or set refresh to false"
    )
    assert HeadConfig(retention_s=0.1e-3, refresh=False).retention is None


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
@pytest.mark.parametrize("sink", [0, 5])
def test_accepts_the_least_retention_that_the_refusal_names(schedule, sink):
    fields = {"schedule": schedule, "sink": sink, "retention_error": 0.2}
    said = message_of(ValueError, retention_s=1e-9, **fields)
    needed_s = float(said.split(" are needed, ")[1].split(" s in all")[0])
    retention_s = -needed_s / math.log(1 - 2 * 0.2)
    HeadConfig(retention_s=1.01 * retention_s, **fields)
    message_of(ValueError, retention_s=0.99 * retention_s, **fields)


@pytest.mark.parametrize("name", QUANTITIES + QUANTITIES_OR_NONE)
def test_quantities_are_finite_and_above_zero(name):
    unit = next((unit for unit, names in UNITS.items() if name in names.split()), "charge")
    for value in (0, -1.0):
        refused = message_of(ValueError, **{name: value})
        assert refused == f"{name} is {value}, but must be above 0 ({unit})"
    for value in (math.inf, -math.inf, math.nan):
        refused = message_of(ValueError, **{name: value})
        assert refused == f"{name} is {value}, but must be finite and above 0 ({unit})"
    for value in (True, [1.0], 1j):
        refused = message_of(TypeError, **{name: value})
        assert refused == f"{name} is {value!r}, but must be a number above 0 ({unit})"


def test_rejects_none_where_no_default_rule_exists():
    for name in QUANTITIES:
        assert message_of(TypeError, **{name: None}).startswith(f"{name} is None")
    assert HeadConfig(**dict.fromkeys(QUANTITIES_OR_NONE)) == HeadConfig()


def test_accepts_a_whole_number_as_a_quantity():
    assert HeadConfig(score_saturation=20).s_sat == 20


def test_rejects_a_centre_that_is_no_finite_voltage():
    assert message_of(ValueError, center_v=math.nan) == "center_v is nan, but must be finite (V)"
    assert message_of(ValueError, center_v=-math.inf) == "center_v is -inf, but must be finite (V)"
    assert message_of(TypeError, center_v="0") == 'center_v is "0", but must be a number (V)'


@pytest.mark.parametrize("value", [0, -0.1, 0.501, math.nan, math.inf])
def test_rejects_a_retention_error_out_of_range(value):
    said = message_of(ValueError, retention_error=value)
    assert said == f"retention_error is {value}, but must be above 0 and at most 0.5"


def test_rejects_a_retention_error_of_another_type():
    said = message_of(TypeError, retention_error="half")
    assert said == 'retention_error is "half", but must be a number above 0 and at most 0.5'


@pytest.mark.parametrize("name", ["age_mode", "schedule", "readout"])
def test_the_choices_of_a_refusal_are_accepted_and_documented(name):
    refused = message_of(ValueError, **{name: "Steps"})
    assert refused.startswith(f'{name} is "Steps", but must be "')
    choices = re.findall(r'"(\w+)"', refused.partition("must be ")[2])
    assert re.findall(r'"(\w+)":', docstrings()[name]) == choices
    for choice in choices:
        assert getattr(HeadConfig(**{name: choice}), name) == choice
    said = message_of(TypeError, **{name: 1})
    assert said == refused.replace('"Steps"', "1")


def test_looks_at_retention_only_when_all_else_is_right():
    said = message_of(ValueError, retention_s=1e-9, head_dim=0)
    assert said == "head_dim is 0, but must be at least 1"


def test_rejects_cells_that_are_no_polynomial():
    names = 'must be "cubic" or "linear", or a list of two or more finite coefficients'
    assert message_of(ValueError, cell="quartic") == f'cell is "quartic", but {names}'
    for wrong in (3.0, None, (0.0, "1"), (0.0, True), {0: 1.0}):
        assert message_of(TypeError, cell=wrong) == f"cell is {wrong!r}, but {names}"
    for wrong in ((), (1.0,), (0.0, math.nan), (0.0, math.inf)):
        said = message_of(ValueError, cell=wrong)
        assert said == f"cell is {wrong}, but {names}"


def test_rejects_a_window_that_columns_do_not_divide():
    said = message_of(ValueError, window=1000, columns=64)
    assert said == "window is 1000, but must be a multiple of columns (64)"


def test_rejects_a_sink_larger_than_its_sub_tile():
    assert HeadConfig(sink=64).sink == 64
    said = message_of(ValueError, sink=65)
    assert said == "sink is 65, but must be at most columns (64), the size of its sub-tile"


def test_reports_all_problems_at_once_and_wrong_types_first():
    said = message_of(ValueError, head_dim=0, key_bits=9, clock_s=-1.0, readout="adder")
    assert [part.split(" is ")[0] for part in said.split("; ")] == [
        "head_dim",
        "key_bits",
        "clock_s",
        "readout",
    ]
    said = message_of(TypeError, head_dim=0, columns="4", retention_error="x", cell="none")
    assert [part.split(" is ")[0] for part in said.split("; ")] == [
        "columns",
        "retention_error",
        "head_dim",
        "cell",
    ]
    said = message_of(ValueError, window=10, columns=4, sink=5)
    assert [part.split(" is ")[0] for part in said.split("; ")] == ["window", "sink"]


def test_cannot_be_changed_or_given_by_position():
    with pytest.raises(FrozenInstanceError):
        HeadConfig().head_dim = 3
    with pytest.raises(TypeError):
        HeadConfig(64)
