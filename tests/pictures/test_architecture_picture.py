"""The block diagram can be drawn of every kind of head."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gaincell.config import PRESETS, HeadConfig
from gaincell.pictures.architecture import draw_architecture

TINY = PRESETS["tiny"]
CONFIGS = [
    PRESETS["gpt2"],
    TINY,
    replace(TINY, sink=3, readout="counters", schedule="paired", step_cycles=2),
    replace(TINY, schedule="sequential", columns=8),
    HeadConfig(head_dim=1, window=1, columns=1),
    replace(TINY, refresh=False),
    replace(TINY, cell="linear", retention_error=0.5),
]


def texts_of(config: HeadConfig, picture: Path) -> set[str]:
    """Lines of text in the picture: a comment of the SVG tells what its outlines spell."""
    draw_architecture(config, picture)
    return set(re.findall(r"<!-- (.*?) -->", picture.read_text()))


@pytest.mark.parametrize("config", CONFIGS)
def test_same_config_gives_same_bytes(tmp_path, config):
    for name in "ab":
        draw_architecture(config, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_other_numbers_give_another_picture(tmp_path):
    draw_architecture(TINY, tmp_path / "a.png")
    draw_architecture(replace(TINY, write_cycles=11), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("config", CONFIGS)
def test_refresh_is_drawn_where_the_head_has_it(tmp_path, config):
    texts = texts_of(config, tmp_path / "a.svg")
    expected = {
        "refresh",
        "memory outside the head",
        "request: sub-tile, column, tag",
        "response: k, v, tag",
    }
    if config.retention is None:
        assert not texts & expected
        assert not any("visits a column" in text for text in texts)
    else:
        visit = f"visits a column every {config.retention.visit_cycles} cycles;"
        assert texts >= {visit} | expected


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        (PRESETS["gpt2"], {642, 576, 12, 386}),
        (replace(PRESETS["gpt2"], refresh=False), {642, 576}),
    ],
)
def test_streams_have_the_widths_of_the_ports(tmp_path, config, bits):
    texts = texts_of(config, tmp_path / "a.svg")
    assert {text for text in texts if text.endswith(" bits")} == {
        f"{count} bits" for count in bits
    } | {f"{config.result_width} bits"}


def test_copies_are_of_window_and_sink(tmp_path):
    texts = texts_of(replace(TINY, sink=3), tmp_path / "a.svg")
    assert "k and v of 19 tokens" in texts


def test_refuses_other_formats(tmp_path):
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        draw_architecture(TINY, tmp_path / "a.pdf")
