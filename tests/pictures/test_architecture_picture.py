"""The block diagram can be drawn of every kind of head."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

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


@cache
def texts_of(config: HeadConfig) -> frozenset[str]:
    """Lines of text in the picture: a comment of the SVG tells what its outlines spell."""
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "a.svg"
        draw_architecture(config, picture)
        return frozenset(re.findall(r"<!-- (.*?) -->", picture.read_text()))


@pytest.mark.parametrize("config", CONFIGS)
def test_blocks_tell_the_numbers_of_the_config(config):
    texts = texts_of(config)
    timing = config.timing
    assert f"a token every {timing.interval_cycles} cycles," in texts
    assert f"its result after {timing.latency_cycles}" in texts
    write = f"write {config.write_cycles}, reset {config.reset_cycles}, QK {timing.qk.cycles},"
    assert write in texts
    last = f"sub-tile 0..{config.tiles - 1}, column 0..{config.columns - 1}"
    assert last + (f", sink {config.sink}" if config.sink else "") in texts
    assert f"{config.readout.replace('counters', 'counter')}" in texts


@pytest.mark.parametrize("config", CONFIGS)
def test_refresh_is_drawn_where_the_head_has_it(config):
    texts = texts_of(config)
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
def test_streams_have_the_widths_of_the_ports(config, bits):
    texts = texts_of(config)
    assert {text for text in texts if text.endswith(" bits")} == {
        f"{count} bits" for count in bits
    } | {f"{config.result_width} bits"}


def test_copies_are_of_window_and_sink():
    texts = texts_of(replace(TINY, sink=3))
    assert "k and v of 19 tokens" in texts


def test_refuses_other_formats(tmp_path):
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        draw_architecture(TINY, tmp_path / "a.pdf")
