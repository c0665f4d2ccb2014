"""A head computed by the public code of Leroux et al. (2025): their numbers from our polynomial.

Their older convention: the whole charge, not the voltage, decays by exp(-1e-4) a token; causal
mask, one sub-tile of 64 tokens, codes not quantised.
"""

import numpy as np
import pytest

from gaincell.cell import CUBIC
from gaincell.config import HeadConfig

DECAY_PER_TOKEN = 1e-4


@pytest.fixture(scope="module")
def head(shared_file) -> dict[str, np.ndarray]:
    """Q (0..1), K and V (volts), S, phi_S and output, each (10, 64, 64) float64."""
    with np.load(shared_file("reference_head_64x64.npz")) as arrays:
        names = ("Q", "K", "V", "S", "phi_S", "output")
        return {name: arrays[name].astype(np.float64) for name in names}


@pytest.fixture(scope="module")
def remaining() -> np.ndarray:
    """What is left of a charge (query, key), 0 for keys after the query."""
    token = np.arange(64)
    age = token[:, None] - token
    return np.where(age >= 0, np.exp(-DECAY_PER_TOKEN * age), 0.0)


def charge(volts: np.ndarray) -> np.ndarray:
    return np.polynomial.polynomial.polyval(volts - HeadConfig().center_v, CUBIC)


def test_scores_agree(head, remaining):
    scores = head["Q"] @ charge(head["K"]).transpose(0, 2, 1) * remaining
    assert np.ptp(head["S"]) > 100
    assert np.abs(scores - head["S"]).max() < 2e-4


def test_hard_sigmoid_agrees_given_the_scores(head, remaining):
    phi = np.clip(head["S"] / HeadConfig().s_sat, 0, 1) * (remaining > 0)
    assert {0.0, 1.0} < set(head["phi_S"].ravel())
    assert np.abs(phi - head["phi_S"]).max() < 1e-6


def test_outputs_agree_given_the_phi_pulses(head, remaining):
    charges = (head["phi_S"] * remaining) @ charge(head["V"])
    output = np.clip(charges / HeadConfig().a_sat, -1, 1)
    assert head["output"].min() < -0.5
    assert head["output"].max() == 1
    assert np.abs(output - head["output"]).max() < 2e-6
