"""Means, ratios of perplexities, and their standard errors."""

import math

import pytest

from gaincell.data.averages import mean_and_error, perplexity_ratio


def test_a_mean_has_the_error_of_its_values():
    assert mean_and_error([1.0, 2.0, 3.0]) == pytest.approx((2.0, 1 / math.sqrt(3)))
    assert mean_and_error([4.0]) == (4.0, math.inf)


def test_a_ratio_has_the_error_of_the_differences():
    value, error = perplexity_ratio([0.1, 0.1, 0.1])
    assert value == pytest.approx(1.10517, abs=1e-5)
    assert error == pytest.approx(0.0, abs=1e-12)
    assert perplexity_ratio([0.2, 0.0])[1] == pytest.approx(0.1 * 1.10517, abs=1e-5)
