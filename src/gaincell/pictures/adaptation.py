"""Draws the perplexity of a language model on the arrays over its training steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, ScalarFormatter

from gaincell.data.adaptation import CASES, LAYERS, Case
from gaincell.pictures import style

COLOURS = {"ranges": style.NEGATIVE, "paper": style.QUERY, "ours": style.POSITIVE}
MARKERS = {"": ("-", "o"), "lm_head": (":", "^"), "gain": ("--", "s")}
"""Dashes and marker of each variant."""


def draw_adaptation(results: Mapping[str, Any], output: Path) -> None:
    """Draw a panel for six layers and one for all layers.

    Parameters
    ----------
    results : as ``gaincell.data.adaptation`` describes
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """
    style.check_output(output)

    def paint(figure: Figure) -> None:
        for panel, layers in zip(figure.subplots(1, len(LAYERS)), LAYERS, strict=True):
            panel.axhline(results["teacher"], color=style.MUTED, linestyle=":", label="stock model")
            for case in CASES:
                if case.layers == layers and case.name in results:
                    _curve(panel, case, results[case.name])
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter(ScalarFormatter())
            panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.4)))
            panel.set_xlabel("steps of 2 x 512 tokens", fontsize=style.TEXT)
            panel.set_ylabel("perplexity", fontsize=style.TEXT)
            panel.set_title(f"layers {LAYERS[layers]} on the arrays", fontsize=style.TITLE)
            panel.tick_params(which="both", labelsize=style.SMALL)
            panel.legend(fontsize=style.SMALL, frameon=False)
        figure.tight_layout()

    style.draw(paint, 4.0, output)


def _curve(panel: Any, case: Case, found: Mapping[str, Any]) -> None:
    points = {0: found["before"]} | {int(step): each for step, each in found["after"].items()}
    points = {step: each for step, each in sorted(points.items()) if each is not None}
    dashes, marker = MARKERS[case.variant]
    panel.plot(
        points.keys(),
        points.values(),
        linestyle=dashes,
        color=COLOURS[case.recipe],
        marker=marker,
        markersize=4,
        label=case.label.replace("`", ""),
    )
