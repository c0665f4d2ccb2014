"""Where a charge lies between two codes: the sampling comparison, its ties and its ends."""

import numpy as np
import pytest
from token_codes import assert_covers

from gaincell.behavioral.attention import (
    attend,
    attend_and_count_ties,
    attend_in_detail,
    read_out,
)
from gaincell.behavioral.control import run_arrays
from gaincell.config import HeadConfig


def unit_steps(readout_bits: int) -> HeadConfig:
    """A head in which a charge of 1 is exactly one step of the code."""
    return HeadConfig(readout_bits=readout_bits, output_saturation=float((1 << readout_bits) - 1))


@pytest.mark.parametrize("bits", range(1, 9))
def test_exact_halves_count_away_from_zero_and_are_reported_as_ties(bits):
    config = unit_steps(bits)
    halves = np.arange(config.readout_max) + 0.5
    code, ties = read_out(np.concatenate([halves, -halves]), config)
    up = np.arange(config.readout_max) + 1
    np.testing.assert_array_equal(code, np.concatenate([up, -up]))
    assert ties == 2 * config.readout_max


@pytest.mark.parametrize("bits", range(1, 9))
def test_compares_floats_exactly_on_both_sides_of_a_half(bits):
    """Adding 1/2 and rounding down would take 0.49999999999999994 for a half."""
    config = HeadConfig(readout_bits=bits, output_saturation=1.0)
    n = config.readout_max
    middle = (np.arange(n) + 0.5) / n
    ulp = np.spacing(middle) / 2
    near = np.concatenate([middle + steps * ulp for steps in range(-6, 7)])
    code, ties = read_out(near, config)
    np.testing.assert_array_equal(code, sum(n * near >= i + 0.5 for i in range(n)))
    assert ties == near.size
    assert {0, 1} <= set(code[n * near < 1].tolist())
    assert bits > 1 or np.nextafter(0.5, 0) in near


def test_counts_ties_within_a_billionth_only():
    config = unit_steps(4)
    assert read_out(np.array([3.5 + 0.9e-9, 3.5 - 0.9e-9, -7.5 + 0.9e-9]), config)[1] == 3
    assert read_out(np.array([3.5 + 1.1e-9, 3.5 - 1.1e-9, 3.0, 0.0, 1e9]), config)[1] == 0


def test_saturates_at_the_largest_code():
    config = unit_steps(4)
    charge = np.array([14.4, 14.6, 15.0, 15.4, 15.6, 1e30, -14.6, -15.6, -1e30])
    code, ties = read_out(charge, config)
    np.testing.assert_array_equal(code, [14, 15, 15, 15, 15, 15, -15, -15, -15])
    assert ties == 0


def test_no_charge_of_either_sign_is_code_zero():
    code, ties = read_out(np.array([0.0, -0.0, 0.4, -0.4]), unit_steps(4))
    np.testing.assert_array_equal(code, [0, 0, 0, 0])
    assert ties == 0


@pytest.mark.parametrize("bits", [1, 3, 4, 8])
def test_is_the_literal_comparison_of_every_sample(bits):
    seed = 9
    print(f"seed {seed}")
    config = HeadConfig(readout_bits=bits, output_saturation=7.3)
    charge = np.random.default_rng(seed).normal(0, 6, 4000)
    o = np.clip(charge / config.a_sat, -1, 1)
    count = sum(config.readout_max * np.abs(o) >= i + 0.5 for i in range(config.readout_max))
    code, _ = read_out(charge, config)
    assert_covers(code)
    np.testing.assert_array_equal(code, np.sign(o) * count)


@pytest.mark.parametrize(("v", "y"), [(1, 1), (0, -1)])
def test_arrays_and_attend_round_the_same_exact_half(v, y):
    """One cell of exact numbers: S = s_sat, so phi = 1, and n * A / a_sat = 1/2."""
    config = HeadConfig(
        head_dim=1,
        window=1,
        columns=1,
        query_bits=1,
        key_bits=1,
        value_bits=1,
        cell=(0.0, 1.0),
        full_scale_v=1.0,
        center_v=0.5,
        score_saturation=0.5,
        output_saturation=15.0,
    )
    one, value = np.array([[1]]), np.array([[v]])
    assert attend(one, one, value, config).tolist() == [[y]]
    assert attend_in_detail(one, one, value, config).ties == 1
    assert attend_and_count_ties(one, one, value, config)[1] == 1
    assert run_arrays(one, one, value, config)[0].tolist() == [[y]]
