"""A config is refused when its empty slots could score before they are refreshed."""

import numpy as np
import pytest

from gaincell.cell import CUBIC, LINEAR, largest_charge
from gaincell.config import HeadConfig


def refusal_of(**fields: object) -> str:
    with pytest.raises(ValueError, match="cleared cell") as caught:
        HeadConfig(**fields)
    return str(caught.value)


def test_refuses_one_bit_codes_that_may_leak_all_the_way():
    assert refusal_of(key_bits=1, value_bits=1) == (
        "a cleared cell answers with charge 0.521 > 0 before its refresh at retention_error 0.5, "
        "so empty slots would score; lower retention_error or choose another cell"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"key_bits": 1, "value_bits": 1, "cell": "linear"},
        {"key_bits": 1, "value_bits": 1, "retention_error": 0.25},
        {"key_bits": 1, "value_bits": 2},
        {"key_bits": 2, "value_bits": 1},
        {"retention_error": 0.4},
        {"cell": (0.0, 1.0)},
    ],
)
def test_accepts_cells_that_stay_silent_until_their_refresh(fields):
    HeadConfig(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"cell": (1.0, 1.0)},
        {"cell": (0.0, -19.3)},
        {"center_v": -0.1},
        {"retention_error": 0.5},
        {"retention_error": 0.47},
    ],
)
def test_refuses_cells_that_answer_when_cleared(fields):
    refusal_of(**fields)


def test_refuses_a_cell_that_answers_only_between_fresh_and_oldest():
    bump = np.polynomial.Polynomial.fromroots([-0.44, -0.2, 0.0])
    assert bump(-0.45) < 0
    assert bump(-0.45 * (1 - 2 * 0.4)) < 0
    assert bump(-0.3) > 0
    refusal_of(cell=tuple(bump.coef), retention_error=0.4)


@pytest.mark.parametrize("retention_error", [0.01, 1 / 14, 0.2, 0.4, 0.45, 0.46, 0.47, 0.5])
@pytest.mark.parametrize("cell", ["cubic", "linear"])
def test_decides_as_a_scan_over_all_ages_up_to_the_refresh_does(cell, retention_error):
    coefficients = {"cubic": CUBIC, "linear": LINEAR}[cell]
    remaining = np.linspace(1, 1 - 2 * retention_error, 10001)
    charges = np.polynomial.polynomial.polyval(-0.45 * remaining, coefficients)
    if charges.max() > 0:
        refusal_of(cell=cell, retention_error=retention_error)
    else:
        HeadConfig(cell=cell, retention_error=retention_error, refresh=False)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_finds_the_largest_charge_of_any_polynomial(order):
    seed = 61
    print(f"seed {seed}")
    rng = np.random.default_rng(seed + order)
    low_v, high_v = -0.45, 0.3
    grid = np.linspace(low_v, high_v, 20001)
    inside = 0
    for _ in range(50):
        roots = rng.uniform(-0.6, 0.5, order)
        coefficients = tuple(rng.choice([-1, 1]) * np.polynomial.polynomial.polyfromroots(roots))
        scanned = np.polynomial.polynomial.polyval(grid, coefficients)
        found = largest_charge(coefficients, low_v, high_v)
        assert found >= scanned.max() - 1e-15
        assert found == pytest.approx(scanned.max(), rel=1e-6, abs=1e-9)
        inside += 0 < scanned.argmax() < grid.size - 1
    assert order == 1 or inside > 5
