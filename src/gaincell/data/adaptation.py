"""The cases that ``make adaptation`` measures, and its shipped results as a table.

Results are a JSON object. "teacher" is the perplexity of the stock model. The name of each case
holds an object: "before" is the perplexity before any step, "after" the perplexity by steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gaincell.data import shipped
from gaincell.text import markdown

MARKS = (100, 300)
"""Steps of training after which a model is in the table."""
LAYERS = {"six": "10-15", "all": "0-29"}
RECIPES = {
    "ranges": "range scalers",
    "paper": "the paper's recipe",
    "ours": "closed-form start",
}


@dataclass(frozen=True)
class Variant:
    """Differences from the default: in the config of the head, and in the options of the start."""

    label: str = ""
    head: dict[str, float] = field(default_factory=dict)
    options: tuple[str, ...] = ()


VARIANTS = {
    "": Variant(),
    "lm_head": Variant(", `--refit lm_head`", options=("--refit", "lm_head")),
    "gain": Variant(
        ", saturations 40 and 20", {"score_saturation": 40.0, "output_saturation": 20.0}
    ),
}


@dataclass(frozen=True)
class Case:
    """A measurement, by keys of ``LAYERS``, ``RECIPES`` and ``VARIANTS``."""

    layers: str
    recipe: str
    variant: str = ""

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.layers, self.recipe, self.variant) if part)

    @property
    def label(self) -> str:
        return RECIPES[self.recipe] + VARIANTS[self.variant].label


CASES = [Case(layers, recipe) for layers in LAYERS for recipe in RECIPES]
CASES += [Case("all", "ours", "lm_head"), Case("all", "ours", "gain")]


def shipped_results() -> dict[str, Any] | None:
    """The results shipped with this version; None: there are none."""
    results: dict[str, Any] | None = shipped("adaptation.json")
    return results


HEAD = ("layers", "start", "no step", *(f"{mark} steps" for mark in MARKS))


def rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Perplexity of all cases and its ratio to the stock model, in the columns of ``HEAD``."""
    stock = results["teacher"]
    lines = [("none", "stock model", f"{stock:.2f}", *("" for _ in MARKS))]
    for case in CASES:
        seen = results.get(case.name, {"before": None, "after": {}})
        scores = [seen["before"], *(seen["after"].get(str(mark)) for mark in MARKS)]
        cells = (_with_ratio(score, stock) for score in scores)
        lines.append((LAYERS[case.layers], case.label, *cells))
    return lines


def table(results: Mapping[str, Any]) -> str:
    """The rows in Markdown."""
    return markdown(HEAD, rows(results)) + "\n"


def _with_ratio(value: float | None, stock: float) -> str:
    if value is None:
        return "not run"
    return f"{value:.1f}, {value / stock:.2f} x" if value < 1000 else f"{value:.0f}"
