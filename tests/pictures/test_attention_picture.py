"""The attention picture chooses its tokens well and refuses what it cannot draw."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.attention import attend
from gaincell.config import PRESETS
from gaincell.pictures import attention
from gaincell.pictures.attention import draw_attention, tokens_around_wrap

TINY = PRESETS["tiny"]


def codes(config, tokens, seed=0):
    rng = np.random.default_rng(seed)
    largest = (config.query_max, config.key_max, config.value_max)
    return [rng.integers(0, each + 1, (tokens, config.head_dim)) for each in largest]


@pytest.mark.parametrize("tokens", [1, 10, 40])
@pytest.mark.parametrize("sink", [0, 2])
def test_same_tokens_give_same_bytes(tmp_path, tokens, sink):
    config = replace(TINY, sink=sink)
    q, k, v = codes(config, tokens)
    y = attend(q, k, v, config)
    for name in "ab":
        draw_attention(q, k, v, config, y, tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_draws_several_sequences(tmp_path):
    q, k, v = codes(TINY, 40)
    first = np.arange(40) % 25 == 0
    y = attend(q, k, v, TINY, first=first)
    draw_attention(q, k, v, TINY, y, tmp_path / "a.svg", first=first, tokens=range(20, 40))
    assert (tmp_path / "a.svg").exists()


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
