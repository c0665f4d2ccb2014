"""Fits of responses and decays: exact where they can be, refused where the form is wrong."""

import math

import numpy as np
import pytest

from gaincell.spice.fit import NoFit, fit_line, fit_response, proportion
from gaincell.spice.measure.retention import LONGEST_S, Leak
from gaincell.spice.waves import crossings, delivered_j, high_s, integral

VOLTS = np.linspace(0.1, 0.9, 17)


def test_finds_the_polynomial_that_made_the_points():
    made = np.array([0.1, 2.0, -1.0, 30.0])
    charge = np.polynomial.polynomial.polyval(VOLTS - 0.5, made)
    found = fit_response(VOLTS, charge, 0.5, largest=1e-9)
    assert np.allclose(found.coefficients, made)
    assert found.residual < 1e-9
    assert np.allclose(found(VOLTS), charge)


def test_covariance_covers_the_truth_of_noisy_points():
    made, sigma = np.array([0.0, 2.0, 0.0, 30.0]), 0.01
    rng = np.random.default_rng(3)
    misses = []
    for _ in range(200):
        charge = np.polynomial.polynomial.polyval(VOLTS - 0.5, made)
        charge += rng.normal(0, sigma, len(VOLTS))
        found = fit_response(VOLTS, charge, 0.5, np.full(len(VOLTS), sigma), largest=0.02)
        if len(found.coefficients) == 4:
            misses.append((found.coefficients - made) / np.sqrt(np.diag(found.covariance)))
    spread = np.std(misses, axis=0)
    # 5 sigma of a standard deviation over n draws: 5 / sqrt(2 n)
    assert np.all(np.abs(spread - 1) < 5 / math.sqrt(2 * len(misses)))


def test_refuses_a_response_with_a_step():
    with pytest.raises(NoFit, match=r"of full scale is left, but at most 0\.50%"):
        fit_response(VOLTS, np.where(VOLTS > 0.5, 1.0, -1.0), 0.5)


def test_refuses_a_response_of_zero():
    with pytest.raises(NoFit, match="0 at every voltage"):
        fit_response(VOLTS, np.zeros(17), 0.5)


def test_line_names_its_largest_distance():
    line = fit_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.3, 2.0]))
    assert line.slope == pytest.approx(1.0)
    assert line.residual == pytest.approx(0.2)


def test_a_higher_degree_is_taken_where_it_leaves_much_less():
    charge = np.sinh(4 * (VOLTS - 0.5))
    found = fit_response(VOLTS, charge, 0.5)
    assert found.residual <= 0.001
    coarse = np.polyfit(VOLTS - 0.5, charge, 3)
    left = np.max(np.abs(np.polyval(coarse, VOLTS - 0.5) - charge)) / np.max(charge)
    assert 0.001 < left < 0.005


def test_proportion_leaves_nothing_of_the_mean_over_all_pulses():
    widths = np.array([0.1, 0.4, 1.0])
    charge = 3.0 * widths + np.array([[0.2], [-0.1]])
    left = charge - proportion(widths, charge)[:, None] * widths
    assert np.allclose(left.sum(axis=1), 0)


def leak_of(slope):
    volts = np.linspace(0, 1, 201)
    return Leak(volts, -slope(volts) * 1e-15, np.full(201, 1e-15))


def test_time_of_an_exponential_decay():
    tau_s = 3e-3
    leak = leak_of(lambda volts: (0.4 - volts) / tau_s)
    assert leak.rest_v() == pytest.approx(0.4)
    expected_s = -tau_s * math.log(1 - 0.05 / 0.6)
    assert leak.time_to(1.0, 0.05) == pytest.approx(expected_s, rel=1e-3)
    assert leak.time_to(0.42, 0.05) == LONGEST_S


def test_a_voltage_that_decays_away_from_a_point_is_reported():
    with pytest.raises(NoFit, match="1 points of rest: it decays to no single one"):
        leak_of(lambda volts: volts - 0.5).rest_v()
    with pytest.raises(NoFit, match="3 points of rest"):
        leak_of(lambda volts: np.sin(7 * np.pi * volts / 2 + 0.1)).rest_v()
    assert leak_of(lambda volts: -volts - 0.1).rest_v() is None


def test_waves_are_measured_between_their_points():
    waves = {"time": np.array([0.0, 1.0, 2.0]), "v": np.array([0.0, 2.0, 0.0])}
    assert integral(waves, "v", 0.5, 1.5) == pytest.approx(1.5)
    assert crossings(waves, "v", 1.0).tolist() == [0.5, 1.5]
    assert high_s(waves, "v", 1.0, 0.0, 2.0) == pytest.approx(1.0)
    assert high_s(waves, "v", 1.0, 1.0, 2.0) == pytest.approx(0.5)
    assert delivered_j({**waves, "i": np.full(3, -2.0)}, "i", 3.0, 0.0, 2.0) == pytest.approx(12.0)
