"""Windows of tokens from several texts, as ``gaincell convert --text`` takes them."""

from argparse import Namespace
from pathlib import Path

import pytest
import torch

from gaincell.commands.options.texts import cut, cut_evenly

LONG, SHORT = Path("long.txt"), Path("short.txt")
TEXTS = {LONG: torch.arange(100, 130), SHORT: torch.arange(200, 215)}


def asked(window=5, windows=4, skip=0):
    return Namespace(window=window, windows=windows, skip=skip)


def test_texts_give_a_window_in_turn_until_one_is_at_its_end():
    windows = cut_evenly(TEXTS, asked(windows=7, skip=3))
    assert windows[:, 0].tolist() == [103, 203, 108, 208, 113, 118, 123]
    assert (windows - windows[:, :1]).tolist() == [list(range(5))] * 7
    assert cut_evenly(TEXTS, asked(windows=2, skip=3)).tolist() == windows[:2].tolist()


def test_one_text_gives_what_it_gives_alone():
    alone = cut(TEXTS[LONG], asked(skip=2), LONG)
    assert torch.equal(cut_evenly({LONG: TEXTS[LONG]}, asked(skip=2)), alone)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"windows": 8, "skip": 3}, "the 39 tokens of texts long.txt, short.txt without --skip"),
        ({"window": 16}, "text short.txt has 15 tokens, but a window needs 16"),
        ({"skip": 16}, "--skip is 16, but must be 0..15, the tokens of short.txt"),
    ],
)
def test_texts_that_are_too_short_are_named(more, message):
    with pytest.raises(ValueError, match=message):
        cut_evenly(TEXTS, asked(**more))
