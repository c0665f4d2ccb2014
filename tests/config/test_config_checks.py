"""What HeadConfig refuses, and in which words."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from gaincell.config import HeadConfig

WHOLE = {
    "head_dim": (1, None),
    "window": (1, None),
    "columns": (1, None),
    "sink": (0, None),
    "query_bits": (1, 8),
    "key_bits": (1, 8),
    "value_bits": (1, 8),
    "readout_bits": (1, 8),
    "write_cycles": (1, None),
    "reset_cycles": (1, None),
    "step_cycles": (1, None),
    "sync_stages": (1, 2),
}
QUANTITIES = {
    "full_scale_v": "V",
    "retention_s": "s",
    "token_s": "s",
    "clock_s": "s",
    "score_saturation": "charge",
    "output_saturation": "charge",
}
CHOICES = {
    "age_mode": ["steps", "time"],
    "schedule": ["sequential", "overlapped", "paired"],
    "readout": ["popcount", "counters"],
}


def message_of(expected: type[Exception], **fields: object) -> str:
    with pytest.raises(expected) as caught:
        HeadConfig(**fields)
    assert type(caught.value) is expected
    return str(caught.value)


def range_of(low: int, high: int | None) -> str:
    return f"at least {low}" if high is None else f"{low}..{high}"


@pytest.mark.parametrize(("name", "low", "high"), [(n, *bounds) for n, bounds in WHOLE.items()])
def test_rejects_whole_numbers_out_of_range(name, low, high):
    outside = [low - 1, -7] + ([] if high is None else [high + 1])
    for value in outside:
        said = message_of(ValueError, **{name: value})
        assert said == f"{name} is {value}, but must be {range_of(low, high)}"


@pytest.mark.parametrize(("name", "low", "high"), [(n, *bounds) for n, bounds in WHOLE.items()])
@pytest.mark.parametrize("value", [4.0, "4", True, None, np.int64(4)], ids=repr)
def test_rejects_whole_numbers_of_another_type(name, low, high, value):
    said = message_of(TypeError, **{name: value})
    assert said == f"{name} is {value!r}, but must be a whole number, {range_of(low, high)}"


@pytest.mark.parametrize("name", [name for name, (_, high) in WHOLE.items() if high])
def test_accepts_both_ends_of_a_range(name):
    for value in WHOLE[name]:
        assert getattr(HeadConfig(**{name: value}, refresh=False), name) == value


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


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("value", [0, -1.0, math.inf, -math.inf, math.nan])
def test_rejects_quantities_that_are_not_finite_and_above_zero(name, value):
    said = message_of(ValueError, **{name: value})
    assert said == f"{name} is {value}, but must be finite and above 0 ({QUANTITIES[name]})"


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("value", ["1", True, [1.0], 1j], ids=repr)
def test_rejects_quantities_of_another_type(name, value):
    said = message_of(TypeError, **{name: value})
    assert said == f"{name} is {value!r}, but must be a number above 0 ({QUANTITIES[name]})"


@pytest.mark.parametrize("name", ["full_scale_v", "retention_s", "token_s", "clock_s"])
def test_rejects_none_where_no_default_rule_exists(name):
    assert message_of(TypeError, **{name: None}).startswith(f"{name} is None")


def test_accepts_a_whole_number_as_a_quantity():
    assert HeadConfig(score_saturation=20).s_sat == 20


def test_rejects_a_centre_that_is_no_finite_voltage():
    assert message_of(ValueError, center_v=math.nan) == "center_v is nan, but must be finite (V)"
    assert message_of(ValueError, center_v=math.inf) == "center_v is inf, but must be finite (V)"
    assert message_of(TypeError, center_v="0") == "center_v is '0', but must be a number (V)"


@pytest.mark.parametrize("value", [0, -0.1, 0.501, math.nan, math.inf])
def test_rejects_a_retention_error_out_of_range(value):
    said = message_of(ValueError, retention_error=value)
    assert said == f"retention_error is {value}, but must be above 0 and at most 0.5"


def test_rejects_a_retention_error_of_another_type():
    said = message_of(TypeError, retention_error="half")
    assert said == "retention_error is 'half', but must be a fraction, 0..0.5"


@pytest.mark.parametrize("name", CHOICES)
def test_accepts_every_named_choice_and_rejects_all_else(name):
    for choice in CHOICES[name]:
        assert getattr(HeadConfig(**{name: choice}), name) == choice
    options = " or ".join(f'"{choice}"' for choice in CHOICES[name])
    assert message_of(ValueError, **{name: "Steps"}) == f'{name} is "Steps", but must be {options}'
    assert message_of(TypeError, **{name: 1}) == f"{name} is 1, but must be {options}"


def test_looks_at_retention_only_when_all_else_is_right():
    said = message_of(ValueError, retention_s=1e-9, head_dim=0)
    assert said == "head_dim is 0, but must be at least 1"


def test_rejects_cells_that_are_no_polynomial():
    names = 'must be "cubic" or "linear", or a list of coefficients'
    assert message_of(ValueError, cell="quartic") == f'cell is "quartic", but {names}'
    for wrong in (3.0, None, (0.0, "1"), (0.0, True), {0: 1.0}):
        assert message_of(TypeError, cell=wrong) == f"cell is {wrong!r}, but {names}"
    for wrong in ((), (1.0,), (0.0, math.nan), (0.0, math.inf)):
        said = message_of(ValueError, cell=wrong)
        assert said == f"cell is {wrong}, but needs two or more finite coefficients"


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
        "readout",
        "head_dim",
        "key_bits",
        "clock_s",
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
