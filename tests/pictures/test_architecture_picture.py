"""The block diagram can be drawn of every kind of head."""

from dataclasses import replace

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
]


@pytest.mark.parametrize("config", CONFIGS)
def test_same_config_gives_same_bytes(tmp_path, config):
    for name in "ab":
        draw_architecture(config, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_other_numbers_give_another_picture(tmp_path):
    draw_architecture(TINY, tmp_path / "a.png")
    draw_architecture(replace(TINY, write_cycles=11), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_refuses_other_formats(tmp_path):
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        draw_architecture(TINY, tmp_path / "a.pdf")
