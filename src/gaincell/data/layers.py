"""What ``make layers`` measures, and its results as tables.

Results are a JSON object. "alone" holds an object for each layer of the model, by its number:
"nats", the KL divergence with this layer alone on the arrays in nats per token, and "error", its
standard error. "stock" is the perplexity of the stock model, and "curves" holds perplexities by
start and by the number of layers on the arrays. "stock" and "curves" may be empty.
"""

from collections.abc import Mapping
from typing import Any

from gaincell.text import markdown

COUNTS = (2, 6, 12, 18, 24, 30)
"""Numbers of layers on the arrays."""
STARTS = {
    "recent": "closed-form start, 32 recent tokens",
    "arrays": "closed-form start, arrays alone",
    "ranges": "range scalers",
}
NOT_RUN = "not run"


def order_of(results: Mapping[str, Any]) -> list[int]:
    """Numbers of the measured layers, cheapest first."""
    alone = results["alone"]
    return sorted(
        (int(layer) for layer in alone), key=lambda each: (alone[str(each)]["nats"], each)
    )


def ratios(results: Mapping[str, Any], start: str) -> dict[int, float]:
    """Perplexity over the stock model's by the number of layers, of the runs there are."""
    curve = results["curves"].get(start, {})
    return {count: curve[str(count)] / results["stock"] for count in COUNTS if str(count) in curve}


def table(results: Mapping[str, Any]) -> str:
    """Both tables in Markdown: layers alone, cheapest first, and the curves."""
    total, rows = 0.0, []
    for place, layer in enumerate(order_of(results), start=1):
        found = results["alone"][str(layer)]
        total += found["nats"]
        rows.append(
            (
                str(place),
                str(layer),
                f"{found['nats']:.4f} ± {found['error']:.4f}",
                f"{total:.4f}",
            )
        )
    alone = markdown(("place", "layer", "alone, nats per token", "sum so far"), rows)
    curves = {start: ratios(results, start) for start in STARTS}
    lines = [
        (str(count), *(_shown(curves[start].get(count)) for start in STARTS)) for count in COUNTS
    ]
    return f"{alone}\n\n{markdown(('layers on the arrays', *STARTS.values()), lines)}\n"


def _shown(ratio: float | None) -> str:
    if ratio is None:
        return NOT_RUN
    return f"{ratio:.3f} x" if ratio < 10 else f"{ratio:.0f} x"
