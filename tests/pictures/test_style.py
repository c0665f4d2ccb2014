"""How a picture becomes a file: the same bytes for the same picture, whole or not at all."""

import re

import pytest
from matplotlib.patches import Rectangle

from gaincell.pictures import style


def paint(figure):
    """A picture with text, and with a clipped shape, to which an SVG gives a name."""
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.plot([0, 1], [0, 1])
    axes.add_patch(Rectangle((0.5, 0.5), 9, 9))
    axes.set_title("a title")


def test_names_in_an_svg_are_not_random(tmp_path):
    files = [tmp_path / f"{name}.svg" for name in "ab"]
    for file in files:
        style.draw(paint, 1.0, file)
    text = files[0].read_text()
    assert text == files[1].read_text()
    assert re.search(r'<clipPath id="\w+">', text)
    assert "<!-- a title -->" in text


def test_files_tell_neither_date_nor_version(tmp_path):
    for suffix in (".svg", ".png"):
        style.draw(paint, 1.0, tmp_path / f"a{suffix}")
    text = (tmp_path / "a.svg").read_text()
    assert "<dc:date>" not in text
    assert "<dc:creator>" not in text
    assert "tEXt" not in (tmp_path / "a.png").read_bytes().decode("latin-1")


def test_pictures_have_the_common_width(tmp_path):
    style.draw(paint, 2.0, tmp_path / "a.png")
    width, height = (
        int.from_bytes((tmp_path / "a.png").read_bytes()[at : at + 4]) for at in (16, 20)
    )
    assert (width, height) == (style.WIDTH_IN * style.DPI, 2 * style.DPI)


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        style.draw(paint, 1.0, tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_a_picture_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    old = tmp_path / "a.png"
    old.write_bytes(b"old")

    def fail(*_, **__):
        raise RuntimeError("disk full")

    monkeypatch.setattr(style.Figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        style.draw(lambda figure: None, 1.0, old)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert old.read_bytes() == b"old"
