"""Each fault on its own, against its closed form. Random ones: within 5 sigma of the estimate.

A sound function fails one such comparison in 1.7 million; seeds are fixed, so it never does.
"""

import math

import numpy as np
import pytest

from gaincell.behavioral import faults as fault
from gaincell.behavioral.faults import Converters, Faults, drooped, ktc_noise_v

COUNT = 40_000


@pytest.fixture
def rng():
    print("seed 81")
    return np.random.default_rng(81)


def assert_normal(sample: np.ndarray, mean: float, sigma: float) -> None:
    """Mean and standard deviation as of a normal distribution, each within 5 sigma."""
    n = sample.size
    assert abs(sample.mean() - mean) < 5 * sigma / math.sqrt(n)
    assert abs(sample.std() - sigma) < 5 * sigma / math.sqrt(2 * n)


def test_static_errors_have_the_spread_they_are_given(rng):
    assert_normal(fault.dac_bow(COUNT, 0.3, rng), 0.0, 0.3)
    assert_normal(fault.cell_mismatch((200, 200), 0.05, rng), 1.0, 0.05)
    assert_normal(fault.cell_offset((200, 200), 0.7, rng), 0.0, 0.7)
    assert_normal(fault.query_skew(COUNT, 0.4, rng), 0.0, 0.4)
    assert_normal(np.log(fault.leak_factor((200, 200), 0.2, rng)), 0.0, 0.2)


def test_write_noise_is_fresh_for_every_cell_and_write(rng):
    volts = np.full((200, 200), 0.3)
    one, other = (fault.write_noise(volts, 0.01, rng) for _ in range(2))
    assert_normal(one, 0.3, 0.01)
    assert_normal(one - other, 0.0, 0.01 * math.sqrt(2))


@pytest.mark.parametrize("driven", [0.25, 1.0, 9.0])
def test_read_noise_grows_with_the_root_of_pulse_length(rng, driven):
    noisy = fault.integrated_noise(np.full(COUNT, 3.0), driven, 0.2, rng)
    assert_normal(noisy, 3.0, 0.2 * math.sqrt(driven))


def test_read_noise_of_several_charges_follows_the_pulses_of_each(rng):
    driven = np.array([[1.0], [16.0], [0.0]])
    noisy = fault.integrated_noise(np.zeros((3, COUNT)), driven, 0.2, rng)
    assert_normal(noisy[0], 0.0, 0.2)
    assert_normal(noisy[1], 0.0, 0.8)
    assert not noisy[2].any()


def test_zero_parameters_return_their_input_and_draw_nothing(rng):
    before = rng.bit_generator.state
    volts = np.linspace(0, 0.9, 12).reshape(3, 4)
    assert fault.write_noise(volts, 0.0, rng) is volts
    assert fault.integrated_noise(volts, 2.0, 0.0, rng) is volts
    assert fault.skewed(volts, np.zeros(4)) is volts
    assert drooped(volts, 0.0) is volts
    assert fault.leak_factor((3, 4), 0.0, rng) is None
    assert (fault.cell_mismatch((3, 4), 0.0, rng) == 1).all()
    assert (fault.line_loss(4, 0.0) == 1).all()
    assert not fault.cell_offset((3, 4), 0.0, rng).any()
    assert not fault.dac_bow(4, 0.0, rng).any()
    assert not fault.query_skew(4, 0.0, rng).any()
    ideal = Converters.draw((3, 4), 15, Faults(), rng)
    np.testing.assert_array_equal(ideal.pulse(volts, rng), volts)
    codes = np.arange(8)
    np.testing.assert_array_equal(fault.dac_voltage(codes, 7, 0.1, np.zeros(8)), 0.1 * codes)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("largest", [1, 7, 255])
def test_dac_bow_leaves_the_ends_and_is_whole_at_mid_scale(largest):
    bow = np.array([0.0, 1.0, -0.5])
    step_v = 0.9 / largest
    for code in range(largest + 1):
        volts = fault.dac_voltage(np.full(3, code), largest, step_v, bow)
        added = bow * (1 - (2 * code / largest - 1) ** 2)
        np.testing.assert_allclose(volts, step_v * (code + added), rtol=0, atol=1e-14)
    ends = fault.dac_voltage(np.array([[0], [largest]]), largest, step_v, bow)
    np.testing.assert_allclose(ends, np.array([[0.0] * 3, [0.9] * 3]), rtol=0, atol=1e-15)


@pytest.mark.parametrize("length", [1, 2, 5, 64])
def test_line_loss_grows_linearly_to_its_far_end(length):
    loss = fault.line_loss(length, 0.08)
    assert loss[0] == 1
    assert loss[-1] == pytest.approx(0.92 if length > 1 else 1)
    np.testing.assert_allclose(np.diff(loss, 2), 0, atol=1e-15)


def test_skew_changes_pulses_but_makes_none():
    widths = np.array([0.0, 0.0, 1.0, 4.0, 15.0])
    skew = np.array([2.0, -2.0, -1.5, 0.5, 0.25])
    np.testing.assert_array_equal(fault.skewed(widths, skew), [0, 0, 0, 4.5, 15.25])


@pytest.mark.parametrize("droop", [1e-6, 0.01, 0.3, 1.0, 3.0])
def test_droop_is_where_the_ramp_meets_the_falling_charge(droop):
    held = np.concatenate([np.linspace(0.0, 1.0, 41), [1.5, 4.0]])
    low, high = np.zeros_like(held), held.copy()
    for _ in range(80):
        middle = (low + high) / 2
        above = middle > held * np.exp(-droop * middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    np.testing.assert_allclose(drooped(held, droop), (low + high) / 2, rtol=0, atol=1e-12)


def test_droop_leaves_negative_charges():
    np.testing.assert_array_equal(drooped(np.array([-0.5, -3.0]), 0.2), [-0.5, -3.0])


def test_converters_add_their_offset_then_scale_then_clip(rng):
    held = np.array([-0.3, 0.0, 0.2, 0.9, 1.4])
    offset = np.array([0.4, -0.1, 0.1, 0.05, -0.5])
    slope = np.array([0.5, 0.2, -0.5, 0.2, 0.0])
    converters = Converters(offset, slope, 15, 0.0, 0.0)
    expected = [0.15, 0.0, 0.15, 1.0, 0.9]
    np.testing.assert_allclose(converters.pulse(held, rng), expected, rtol=0, atol=1e-15)


def test_converters_are_drawn_with_their_spreads_and_their_droop(rng):
    faults = Faults(
        comparator_offset=0.02,
        ramp_gain_error=0.03,
        pulse_jitter_cycles=0.5,
        hold_droop_per_cycle=0.001,
    )
    converters = Converters.draw((200, 200), 15, faults, rng)
    assert_normal(converters.offset, 0.0, 0.02)
    assert_normal(converters.slope, 0.0, 0.03)
    plain = Converters(np.zeros(1), np.zeros(1), 15, 0.0, 0.001)
    held = np.array([0.2, 0.7, 1.0])
    np.testing.assert_array_equal(plain.pulse(held, rng), drooped(held, 0.015))


def test_jitter_is_in_clock_cycles_and_spares_lines_without_a_pulse(rng):
    converters = Converters(np.zeros(1), np.zeros(1), 15, 0.6, 0.0)
    assert_normal(converters.pulse(np.full(COUNT, 0.5), rng), 0.5, 0.6 / 15)
    assert not converters.pulse(np.full(COUNT, 0.0), rng).any()
    assert not converters.pulse(np.full(COUNT, -0.2), rng).any()
    full = converters.pulse(np.full(COUNT, 1.0), rng)
    assert full.max() == 1
    assert full.min() < 1


def test_thermal_noise_of_a_femtofarad_at_room_temperature():
    assert ktc_noise_v(1e-15) == pytest.approx(2.035e-3, rel=1e-3)
    assert ktc_noise_v(4e-15) == pytest.approx(ktc_noise_v(1e-15) / 2)
    assert ktc_noise_v(1e-15, temperature_k=1200.0) == pytest.approx(2 * ktc_noise_v(1e-15))


@pytest.mark.parametrize("name", sorted(Faults.__dataclass_fields__))
def test_rejects_parameters_that_are_no_sizes(name):
    for value in (-0.1, math.nan, math.inf):
        finite = "" if value == -0.1 else "finite and "
        with pytest.raises(
            ValueError, match=rf"^{name} is {value}, but must be {finite}at least 0$"
        ):
            Faults(**{name: value})
    for value in (None, True, [0.1]):
        with pytest.raises(TypeError) as caught:
            Faults(**{name: value})
        assert str(caught.value) == f"{name} is {value!r}, but must be a number at least 0"
    assert getattr(Faults(**{name: 0}), name) == 0
