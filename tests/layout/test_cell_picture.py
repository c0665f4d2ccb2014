"""Pictures of drawn cells and parts, however flat: nothing lies over anything, or outside."""

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gaincell.layout.arrays import picture
from gaincell.pictures import style


def painted(width_um, height_um, lines, monkeypatch):
    """The figure of a cell with every layer, and its renderer."""
    kept = []
    monkeypatch.setattr(style, "draw", lambda paint, height, output: kept.append((paint, height)))
    width, height = width_um * 1e3, height_um * 1e3
    box = [(0, 0), (width, 0), (width, height), (0, height)]
    layers = {name: [box] for name, *_ in (*picture.BELOW, *picture.ABOVE)}
    picture.draw_layout(layers | {"outline": [box]}, lines, "a part", Path("part.png"))
    ((paint, height_in),) = kept
    figure = Figure(figsize=(style.WIDTH_IN, height_in), dpi=style.DPI)
    canvas = FigureCanvasAgg(figure)
    paint(figure)
    canvas.draw()
    return figure, canvas.get_renderer()


@pytest.mark.parametrize(
    ("width_um", "height_um", "count"),
    [(142.3, 5.2, 12), (109.2, 24.1, 0), (23.6, 6.0, 7), (5.6, 3.0, 5), (60.0, 60.0, 3)],
)
def test_nothing_lies_over_anything_else(width_um, height_um, count, monkeypatch):
    lines = {f"t{n}": ("y", height_um * (n + 0.5) / count) for n in range(count)}
    figure, renderer = painted(width_um, height_um, lines, monkeypatch)
    whole = figure.bbox
    for axes in figure.axes:
        legend = axes.get_legend().get_window_extent(renderer)
        unit = axes.xaxis.label.get_window_extent(renderer)
        assert axes.bbox.y0 > unit.y1 > unit.y0 >= legend.y1
        names = [Text.get_window_extent(name, renderer) for name in axes.texts]  # no arrows
        for one, other in combinations(names, 2):
            assert not one.overlaps(other)
        for box in (legend, *names):
            assert whole.x0 <= box.x0 < box.x1 <= whole.x1
            assert whole.y0 <= box.y0 < box.y1 <= whole.y1
    above, below = figure.axes
    if above.bbox.y0 >= below.bbox.y1:
        title = below._left_title.get_window_extent(renderer)
        assert above.get_legend().get_window_extent(renderer).y0 >= title.y1
    assert len(figure.axes[1].texts) == count


def test_nets_on_one_track_share_a_name(monkeypatch):
    figure, _ = painted(24.0, 6.0, {"b": ("y", 1.0), "c": ("y", 1.0), "d": ("y", 2.0)}, monkeypatch)
    assert [name.get_text() for name in figure.axes[1].texts] == ["b, c", "d"]


def test_names_are_moved_apart_around_their_middle_and_no_further():
    assert picture.apart([0.0, 50.0, 54.0, 90.0], 10.0) == [0.0, 47.0, 57.0, 90.0]
    assert picture.apart([0.0, 1.0, 2.0], 10.0) == [-9.0, 1.0, 11.0]
    assert picture.apart([], 10.0) == []
