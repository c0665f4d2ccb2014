"""Labels of a sweep's picture: none lies over another."""

from itertools import combinations
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gaincell.pictures import style
from gaincell.sweep.picture import Panel, draw_pareto


def test_numbers_of_the_front_make_room_for_names(monkeypatch):
    kept = []
    monkeypatch.setattr(style, "draw", lambda paint, height, output: kept.append((paint, height)))
    x, y = [1.0, 2.0, 2.02, 2.03, 2.04], [9.0, 5.0, 5.02, 4.98, 5.03]
    panel = Panel("x", "y", x, y, [11, 110, 3, 4, 5], [0, 1, 3], [2, 4], {2: "base", 4: "paper's"})
    draw_pareto([panel], Path("p.svg"))
    ((paint, height_in),) = kept
    figure = Figure(figsize=(style.WIDTH_IN, height_in), dpi=style.DPI)
    canvas = FigureCanvasAgg(figure)
    paint(figure)
    canvas.draw()
    texts = figure.axes[0].texts
    assert sorted(each.get_text() for each in texts) == ["11", "110", "4", "base", "paper's"]
    for one, other in combinations(texts, 2):
        boxes = [Text.get_window_extent(each, canvas.get_renderer()) for each in (one, other)]
        assert not boxes[0].overlaps(boxes[1]), (one.get_text(), other.get_text())
