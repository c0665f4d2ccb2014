"""Pictures of the report: their numbers and words, to scale, and refusals."""

import re

import pytest

from gaincell.config import PRESETS, HeadConfig
from gaincell.pictures.adaptation import draw_adaptation
from gaincell.pictures.bars import Bar, draw_energy, draw_machines, in_units
from gaincell.pictures.floorplan import ORDER, draw_floorplan
from gaincell.pictures.layers import draw_layers

AREAS = {
    "cells": 2000.0,
    "first converters": 3000.0,
    "second converters": 1000.0,
    "DACs": 300.0,
    "digital control": 700.0,
}
ADAPTATION = {
    "teacher": 30.0,
    "six-ours": {"before": 33.0, "after": {"100": 29.0}},
    "all-ranges": {"before": 20_000.0, "after": {}},
    "all-ours-gain": {"before": 55.0, "after": {"100": None}},
}
LAYERS = {
    "alone": {"0": {"nats": 0.03, "error": 0.002}, "1": {"nats": 0.01, "error": 0.003}},
    "stock": 30.0,
    "curves": {"recent": {"1": 31.0, "2": 33.0}},
}
BARS = [
    Bar("ours", 59e-9, "simulated", None, "estimated"),
    Bar("theirs", 2e-5, "published", 7e-3, "published"),
]
DRAWN = {
    "floorplan": lambda path: draw_floorplan(PRESETS["tiny"], AREAS, path),
    "energy": lambda path: draw_energy({"a": (1, 2), "b": (3, 3)}, {"a": 4, "b": 5}, path),
    "machines": lambda path: draw_machines(BARS, path),
    "adaptation": lambda path: draw_adaptation(ADAPTATION, path),
    "layers": lambda path: draw_layers(LAYERS, path),
}


def words(path):
    return re.findall(r"<!-- (.*?) -->", path.read_text())


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_without_a_format_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must have a name that ends in \.png or \.svg"):
        DRAWN[name](tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "config",
    [PRESETS["gpt2"], HeadConfig(head_dim=64, window=8, columns=4), HeadConfig(head_dim=1)],
    ids=["wide", "tall", "flat"],
)
def test_strips_have_the_areas_of_the_parts(tmp_path, monkeypatch, config):
    drawn = {}

    class Seen:
        def __init__(self, corner, width, height, **_):
            drawn[corner[1]] = width * height

    monkeypatch.setattr("gaincell.pictures.floorplan.Rectangle", Seen)
    monkeypatch.setattr("matplotlib.axes.Axes.add_patch", lambda self, patch: patch)
    draw_floorplan(config, AREAS, tmp_path / "a.svg")
    found = [drawn[bottom] for bottom in sorted(drawn, reverse=True)]
    expected = [AREAS.get(name, AREAS["cells"] / 2) for name in ORDER]
    assert found == pytest.approx(expected)
    shown = " ".join(words(tmp_path / "a.svg"))
    assert "first converters  3 000 µm², 42.9 %" in shown
    assert "keys  1 000 µm², 14.3 %" in shown


def test_a_missing_part_is_named(tmp_path):
    few = {name: area for name, area in AREAS.items() if name not in ("DACs", "cells")}
    with pytest.raises(ValueError, match=r"area of DACs, cells is missing"):
        draw_floorplan(PRESETS["tiny"], few, tmp_path / "a.svg")


def test_energies_are_written_with_both_ends(tmp_path):
    draw_energy({"a": (17.3, 700), "b": (330, 330)}, {"a": 700, "b": 331}, tmp_path / "a.svg")
    shown = words(tmp_path / "a.svg")
    for text in ("ours 17..700 pJ", "ours 330 pJ", "paper 331 pJ"):
        assert text in shown
    with pytest.raises(ValueError, match="ours has the parts"):
        draw_energy({"a": (1, 1)}, {"b": 1}, tmp_path / "b.svg")


def test_machines_without_a_figure_say_so(tmp_path):
    DRAWN["machines"](tmp_path / "a.svg")
    shown = words(tmp_path / "a.svg")
    for text in ("59 ns", "no figure", "20 µs", "7 mJ", "■ simulated", "■ published"):
        assert text in shown
    assert "■ measured" not in shown
    with pytest.raises(ValueError, match="no machine"):
        draw_machines([], tmp_path / "b.svg")
    with pytest.raises(ValueError, match="mark guessed is unknown"):
        draw_machines([Bar("x", 1.0, "guessed", None, "measured")], tmp_path / "b.svg")


def test_only_cases_that_were_run_have_a_curve(tmp_path):
    DRAWN["adaptation"](tmp_path / "a.svg")
    shown = words(tmp_path / "a.svg")
    assert shown.count("closed-form start") == 1
    assert "closed-form start, saturations 40 and 20" in shown
    assert "range scalers" in shown
    assert "the paper's recipe" not in shown


def test_only_starts_that_were_run_have_a_curve_over_layers(tmp_path):
    DRAWN["layers"](tmp_path / "a.svg")
    shown = words(tmp_path / "a.svg")
    assert "closed-form start, 32 recent tokens" in shown
    assert "stock model" in shown
    assert "range scalers" not in shown
    assert "more and more layers" in shown
    draw_layers(LAYERS | {"curves": {}}, tmp_path / "b.svg")
    shown = words(tmp_path / "b.svg")
    assert "one layer alone on the arrays" in shown
    assert "more and more layers" not in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(59e-9, "59 ns"), (1.0, "1 s"), (0.4889, "489 ms"), (2.5e-13, "2.5e-13 s"), (7e-12, "7 ps")],
)
def test_units_suit_the_number(value, text):
    assert in_units(value, "s") == text
