"""The picture of a characterised design."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gaincell.data import shipped
from gaincell.pictures.cell_design import _retention


def test_the_legend_of_retention_lies_below_all_that_is_drawn():
    figure = Figure(figsize=(5, 3))
    axes = figure.subplots()
    record = shipped("designs/freepdk45_long.json")
    _retention(axes, record)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    legend = axes.get_legend().get_window_extent(canvas.get_renderer())
    shortest = axes.transData.transform((0.5, record["retention"]["half_step_s"]))[1]
    assert legend.y1 < shortest
