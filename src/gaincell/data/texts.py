"""The table of ``make texts``: perplexity beside the stock model's, by kind of text and position.

Results are a JSON object. A case's name holds an object. Its keys are a text's name and the tokens
of a window, with a space between. Its values are the mean losses in nats of the quarters of each
window: a list for each window.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from gaincell.data.averages import perplexity_ratio
from gaincell.text import markdown

WINDOWS = 8
"""Windows of each text that are scored."""
STOCK = "stock"
UNFITTED = ("headers", "licence", "reference")
"""Texts of which no part and no other example of their kind was fitted."""
HEAD = ("model", "tokens")


def differences(results: Mapping[str, Any], name: str, key: str) -> list[list[float]]:
    """Loss above the stock model's of the quarters of each window, nats."""
    return [
        [ours - stock for ours, stock in zip(*pair, strict=True)]
        for pair in zip(results[name][key], results[STOCK][key], strict=True)
    ]


def ratio(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Ratio of the perplexities, and its standard error over the windows."""
    return perplexity_ratio([fmean(row) for row in rows])


def table(results: Mapping[str, Any]) -> str:
    """Two tables in Markdown: by kind of text, and by quarter of the window."""
    keys = list(results[STOCK])
    texts = list(dict.fromkeys(key.split()[0] for key in keys))
    lengths = list(dict.fromkeys(int(key.split()[1]) for key in keys))
    by_text, by_quarter = [], []
    for length in lengths:
        stock = [f"{_perplexity(results[STOCK][f'{text} {length}']):.2f}" for text in texts]
        by_text.append((f"{STOCK}, perplexity", str(length), *stock, ""))
    for name, found in results.items():
        for length in lengths if name != STOCK else ():
            rows = {
                text: differences(results, name, f"{text} {length}")
                for text in texts
                if f"{text} {length}" in found
            }
            unfitted = [text for text in texts if text in UNFITTED]
            if not set(unfitted) <= set(rows):
                continue
            cells = {text: ratio(each) for text, each in rows.items()}
            worst = max(cells[text][0] for text in unfitted)
            shown = (
                "{:.3f} ± {:.3f}".format(*cells[text]) if text in cells else "not run"
                for text in texts
            )
            by_text.append((name, str(length), *shown, f"**{worst:.2f}**"))
            quarters = [
                max(
                    ratio([row[quarter : quarter + 1] for row in each])[0] for each in rows.values()
                )
                for quarter in range(4)
            ]
            by_quarter.append((name, str(length), *(f"{each:.2f}" for each in quarters)))
    marked = [text if text in UNFITTED else f"{text} (second half)" for text in texts]
    return "\n\n".join(
        (
            markdown((*HEAD, *marked, "worst unfitted"), by_text),
            markdown((*HEAD, *(f"quarter {each}" for each in (1, 2, 3, 4))), by_quarter) + "\n",
        )
    )


def _perplexity(rows: Sequence[Sequence[float]]) -> float:
    return math.exp(sum(map(sum, rows)) / sum(map(len, rows)))
