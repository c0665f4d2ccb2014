"""Draws what each layer of a language model costs on the arrays, and perplexity over layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, ScalarFormatter

from gaincell.data.layers import STARTS, ratios
from gaincell.pictures import style

COLOURS = {"recent": style.POSITIVE, "arrays": style.QUERY, "ranges": style.NEGATIVE}


def draw_layers(results: Mapping[str, Any], output: Path) -> None:
    """Draw a panel of the layers alone, and one of the curves if there are any.

    Parameters
    ----------
    results : as ``gaincell.data.layers`` describes
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """
    style.check_output(output)

    curves = {start: ratios(results, start) for start in STARTS}

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, 2 if any(curves.values()) else 1, squeeze=False)[0]
        _alone(panels[0], results["alone"])
        if any(curves.values()):
            _curves(panels[1], curves)
        for panel in panels:
            panel.tick_params(which="both", labelsize=style.SMALL)
        figure.tight_layout()

    style.draw(paint, 4.0, output)


def _alone(panel: Any, alone: Mapping[str, Any]) -> None:
    layers = sorted(int(layer) for layer in alone)
    panel.bar(
        layers,
        [alone[str(layer)]["nats"] for layer in layers],
        yerr=[alone[str(layer)]["error"] for layer in layers],
        color=style.POSITIVE,
        ecolor=style.MUTED,
    )
    panel.set_xlabel("layer", fontsize=style.TEXT)
    panel.set_ylabel("KL divergence, nats per token", fontsize=style.TEXT)
    panel.set_title("one layer alone on the arrays", fontsize=style.TITLE)


def _curves(panel: Any, curves: Mapping[str, Mapping[int, float]]) -> None:
    panel.axhline(1.0, color=style.MUTED, linestyle=":", label="stock model")
    for start, points in curves.items():
        if points:
            panel.plot(
                points.keys(),
                points.values(),
                color=COLOURS[start],
                marker="o",
                markersize=4,
                label=STARTS[start],
            )
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(ScalarFormatter())
    panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.4)))
    panel.set_xlabel("layers on the arrays, cheapest first", fontsize=style.TEXT)
    panel.set_ylabel("perplexity, stock model = 1", fontsize=style.TEXT)
    panel.set_title("more and more layers", fontsize=style.TITLE)
    panel.legend(fontsize=style.SMALL, frameon=False)
