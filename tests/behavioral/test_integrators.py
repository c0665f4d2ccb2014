"""Integrators: a whole reset leaves nothing, a short one a fraction."""

import numpy as np
import pytest

from gaincell.behavioral.integrators import Integrators


@pytest.fixture
def integrators():
    return Integrators(np.array([1.0, -2.0, np.nan]))


def test_charges_add_up_from_what_was_there_at_power_up(integrators) -> None:
    integrators.add(np.array([0.5, 0.5, 0.5]), "first")
    np.testing.assert_array_equal(integrators.charge, [1.5, -1.5, np.nan])
    assert integrators.known is None


def test_a_whole_reset_leaves_nothing_not_even_an_unknown_charge(integrators) -> None:
    integrators.reset(0.0)
    np.testing.assert_array_equal(integrators.charge, np.zeros(3))
    integrators.add(np.ones(3))
    integrators.add(np.ones(3))
    np.testing.assert_array_equal(integrators.charge, 2 * np.ones(3))


def test_a_short_reset_leaves_a_fraction(integrators) -> None:
    integrators.reset(0.5)
    np.testing.assert_array_equal(integrators.charge, [0.5, -1.0, np.nan])
    integrators.reset(0.0)
    integrators.reset(0.5)
    np.testing.assert_array_equal(integrators.charge, np.zeros(3))


def test_what_is_known_is_of_a_charge_alone(integrators) -> None:
    integrators.reset(0.0)
    integrators.add(np.ones(3), "first")
    assert integrators.known == "first"
    integrators.add(np.ones(3), "second")
    assert integrators.known is None
    integrators.reset(0.5)
    integrators.add(np.ones(3), "third")
    assert integrators.known is None


def test_the_last_charge_is_that_of_further_columns(integrators) -> None:
    integrators.reset(0.0)
    for total in (1.0, 2.0):
        integrators.add(np.array([3.0, 1.0]))
        np.testing.assert_array_equal(integrators.charge, [3 * total, total, total])
