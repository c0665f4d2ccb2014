"""Pulse lengths of tokens whose pulses can be counted by hand."""

import numpy as np
import pytest

from gaincell.behavioral.tokens import Tokens, random_tokens
from gaincell.config import PRESETS, HeadConfig
from gaincell.synth.estimate import activity as module
from gaincell.synth.estimate.activity import measure_activity

TINY = PRESETS["tiny"]
ONE_SLOT = HeadConfig(head_dim=2, window=1, columns=1, score_saturation=1.0)


def tokens_of(q_code: np.ndarray, k: int) -> Tokens:
    """Tokens with these queries, keys of one code, values of zero."""
    count = len(q_code)
    return Tokens(q_code, np.full((count, 2), k), np.zeros((count, 2), int), np.zeros(count, bool))


@pytest.mark.parametrize(("q", "k", "key", "value"), [(0, 7, 0, 0), (15, 7, 1, 1), (15, 0, 1, 0)])
def test_activity_of_no_and_of_full_pulses(q: int, k: int, key: float, value: float) -> None:
    tokens = tokens_of(np.full((3, 2), q), k)
    activity = measure_activity(tokens, "a test", ONE_SLOT)
    assert (activity.key, activity.value) == (key, value)


def test_empty_slots_and_the_sinks_unused_columns_carry_no_pulse() -> None:
    config = HeadConfig(head_dim=2, window=6, columns=3, sink=2, score_saturation=1.0)
    tokens = tokens_of(np.full((4, 2), 15), 7)
    activity = measure_activity(tokens, "a test", config)
    # 1, 2, 3, 4 full pulses at four tokens, of 6 + 2 columns each.
    assert activity.value == pytest.approx(10 / 32)
    tokens.first[2] = True  # 1, 2, 1, 2
    activity = measure_activity(tokens, "a test", config)
    assert activity.value == pytest.approx(6 / 32)


def test_grouped_queries_and_ages_in_cycles_have_an_activity() -> None:
    config = HeadConfig(head_dim=2, window=2, columns=1, score_saturation=1.0, age_mode="time")
    q = np.zeros((4, 2, 2), int)
    q[:, 1] = 15
    tokens = tokens_of(q, 7)
    activity = measure_activity(tokens, "a test", config)
    assert activity.key == 0.5
    assert activity.value == pytest.approx((1 + 2 + 2 + 2) / (4 * 2 * 2))


def test_a_long_input_is_cut_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NUMBERS", 20 * TINY.tiles * (TINY.columns + TINY.head_dim))
    tokens = random_tokens(30, TINY, np.random.default_rng(0))
    activity = measure_activity(tokens, "a test", TINY)
    assert activity.source == "a test, the first 20 of its 30 tokens"
    assert activity.key == pytest.approx(tokens.q_code[:20].mean() / 15)
