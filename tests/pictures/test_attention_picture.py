"""The attention picture chooses its tokens well and refuses what it cannot draw."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.config import PRESETS
from gaincell.pictures import attention
from gaincell.pictures.attention import draw_attention, tokens_around_wrap

TINY = PRESETS["tiny"]


def codes(config, tokens, seed=0):
    rng = np.random.default_rng(seed)
    largest = (config.query_max, config.key_max, config.value_max)
    return [rng.integers(0, each + 1, (tokens, config.head_dim)) for each in largest]


@pytest.fixture
def painted(monkeypatch):
    """What a picture is painted from, instead of the picture."""
    seen = []
    monkeypatch.setattr(attention.style, "draw", lambda paint, *_: seen.append(paint.__self__))
    return seen


@pytest.mark.parametrize(("tokens", "sink"), [(1, 0), (10, 2), (40, 0), (40, 2)])
def test_draws_every_kind_of_ring(tmp_path, tokens, sink):
    config = replace(TINY, sink=sink)
    q, k, v = codes(config, tokens)
    draw_attention(q, k, v, config, attend(q, k, v, config), tmp_path / "a.svg")
    texts = set(re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text()))
    ring = f"slot: {config.ring_tiles} sub-tiles of {config.columns}"
    assert ring + (f", then a sink of {sink}" if sink else "") in texts
    wrapped = f"grey: empty;  dashed: token {config.window}, the ring wraps"
    assert (wrapped in texts) == (tokens > config.window)


def test_scores_are_the_contracts_and_outputs_are_drawn_as_given(tmp_path, painted):
    q, k, v = codes(TINY, 40)
    y = np.arange(320).reshape(40, 8)
    draw_attention(q, k, v, TINY, y, tmp_path / "a.svg", tokens=range(20, 40))
    score = attend_in_detail(q, k, v, TINY).score
    assert np.nanmax(score) > 1
    np.testing.assert_array_equal(painted[0].phi, np.clip(score[20:], 0, 1))
    np.testing.assert_array_equal(painted[0].y_code, y[20:])
    assert painted[0].wrap == TINY.window


def test_sequences_that_begin_anew_have_no_wrap(tmp_path, painted):
    q, k, v = codes(TINY, 40)
    first = np.arange(40) % 25 == 0
    y = attend(q, k, v, TINY, first=first)
    draw_attention(q, k, v, TINY, y, tmp_path / "a.svg", first=first, tokens=range(20, 40))
    score = attend_in_detail(q, k, v, TINY, first=first).score
    np.testing.assert_array_equal(painted[0].phi, np.clip(score[20:], 0, 1))
    assert painted[0].wrap is None


@pytest.mark.parametrize(
    ("count", "window", "expected"),
    [
        (1280, 1024, range(896, 1280)),
        (5000, 1024, range(896, 1280)),
        (100, 1024, range(0, 100)),
        (700, 1024, range(316, 700)),
        (1, 4, range(0, 1)),
        (40, 16, range(0, 40)),
        (100, 16, range(0, 48)),
    ],
)
def test_shows_the_wrap_if_there_is_one(count, window, expected):
    assert tokens_around_wrap(count, window) == expected


def test_neighbouring_slots_keep_their_largest_score(monkeypatch):
    monkeypatch.setattr(attention, "PIXELS", 2)
    phi = np.array([[0.1, 0.9, 0.2, np.nan], [np.nan, np.nan, np.nan, 0.5], [1, 0, np.nan, np.nan]])
    expected = [[0.9, 0.2], [np.nan, 0.5], [1.0, np.nan]]
    np.testing.assert_array_equal(attention._coarse(phi), expected)
    np.testing.assert_array_equal(
        attention._coarse(phi[:, :3]), [[0.9, 0.2], [np.nan] * 2, [1, np.nan]]
    )


def test_refuses_outputs_of_another_shape(tmp_path):
    q, k, v = codes(TINY, 5)
    with pytest.raises(ValueError, match=r"y has shape \(4, 8\), but must be \(5, 8\)"):
        draw_attention(q, k, v, TINY, np.zeros((4, 8), dtype=int), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tokens", [range(0, 6), range(3, 3), range(-1, 2), range(0, 4, 2)])
def test_refuses_tokens_out_of_range(tmp_path, tokens):
    q, k, v = codes(TINY, 5)
    with pytest.raises(ValueError, match=r"must be a range within 0\.\.5"):
        draw_attention(q, k, v, TINY, attend(q, k, v, TINY), tmp_path / "a.png", tokens=tokens)


def test_refuses_tables_that_do_not_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(attention, "LARGEST_TABLE", 64)
    q, k, v = codes(TINY, 5)
    with pytest.raises(ValueError, match="5 tokens over 16 slots are too many to draw"):
        draw_attention(q, k, v, TINY, attend(q, k, v, TINY), tmp_path / "a.png")


def test_refuses_no_tokens(tmp_path):
    q, k, v = codes(TINY, 0)
    with pytest.raises(ValueError, match=r"must be a range within 0\.\.0"):
        draw_attention(q, k, v, TINY, np.zeros((0, 8), dtype=int), tmp_path / "a.png")
