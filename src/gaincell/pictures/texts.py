"""Draws perplexity on the arrays by position and kind of text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gaincell.data.texts import STOCK, UNFITTED, differences, ratio
from gaincell.pictures import style

COLOURS = (style.KEY, style.VALUE, style.QUERY, style.SCORE, style.NEGATIVE, style.MUTED)
PANELS = (
    "six layers",
    "recent 32",
    "aligned, 6 digital heads",
    "trained, 6 digital heads",
    "shipped",
)
"""Cases with a panel each, as far as all texts were measured."""
TOKENS = 1024


def draw_texts(results: Mapping[str, Any], output: Path) -> None:
    """Draw a panel for each case: the ratio to the stock model over the quarters of a window.

    Parameters
    ----------
    results : as ``gaincell.data.texts`` describes
    output : PNG or SVG, by its suffix

    Raises
    ------
    ValueError
        An output that cannot be written.
    """
    style.check_output(output)
    keys = [key for key in results[STOCK] if key.endswith(f" {TOKENS}")]
    shown = [name for name in PANELS if set(keys) <= set(results.get(name, ()))]

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
        for panel, name in zip(panels, shown, strict=True):
            for key, colour in zip(keys, COLOURS, strict=False):
                text = key.split()[0]
                rows = differences(results, name, key)
                parts = [ratio([row[part : part + 1] for row in rows]) for part in range(4)]
                places = [TOKENS * (part + 0.5) / 4 for part in range(4)]
                panel.errorbar(
                    places,
                    [value for value, _ in parts],
                    [error for _, error in parts],
                    color=colour,
                    marker="o",
                    markersize=4,
                    capsize=2,
                    linestyle="-" if text in UNFITTED else ":",
                    label=text if text in UNFITTED else f"{text} (second half)",
                )
            panel.axhline(1.0, color=style.RULE)
            panel.set_xlabel("position, tokens", fontsize=style.TEXT)
            panel.set_title(name, fontsize=style.TITLE)
            panel.tick_params(labelsize=style.SMALL)
        panels[0].set_ylabel("perplexity, ratio to the stock model", fontsize=style.TEXT)
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(
            lines,
            names,
            loc="upper center",
            ncols=len(names),
            fontsize=style.SMALL,
            frameon=False,
        )
        figure.tight_layout(rect=(0, 0, 1, 0.93))

    style.draw(paint, 4.0, output)
