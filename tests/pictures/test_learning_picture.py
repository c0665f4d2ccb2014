"""The picture of held-out losses: the names of its curves, and what cannot be drawn."""

import pytest

from gaincell.pictures.learning import LOOKS, draw_learning

CURVES = {
    "stock": ((0, 10, 20), (5.0, 4.0, 3.5)),
    "linear": ((20, 30), (3.8, 3.3)),
    "scratch": ((0, 20, 40), (None, 4.5, 4.0)),
}
LABELS = {name: f"model {name}" for name in LOOKS}


def test_names_stand_with_their_last_losses(tmp_path):
    picture = tmp_path / "a.svg"
    draw_learning(CURVES | {"ours": ((20, 40), (3.0, None))}, LABELS, (20, 30), picture)
    text = picture.read_text()
    for words in ("model linear", "model ours", "3.30", "infinite"):
        assert f"<!-- {words} -->" in text
    assert text.index("<!-- model ours -->") < text.index("<!-- model scratch -->")
    assert text.index("<!-- model scratch -->") < text.index("<!-- model linear -->")


@pytest.mark.parametrize(
    ("curves", "sentence"),
    [
        ({"mine": ((0,), (1.0,))}, "curve mine is unknown: name it one of stock, softmax"),
        ({"linear": ((0,), (1.0,))}, "there is no curve stock, the yardstick"),
        ({"stock": ((0,), (None,))}, "no loss is finite: there is nothing to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, curves, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw_learning(curves, LABELS, (1, 2), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
