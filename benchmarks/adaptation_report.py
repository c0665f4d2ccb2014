"""The cases of adaptation.py, and its results as a table and a figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, ScalarFormatter

from gaincell.pictures import style

MARKS = (100, 300)
"""Steps of training after which a model is in the table."""
LAYERS = {"six": "10-15", "all": "0-29"}
RECIPES = {
    "ranges": "range scalers",
    "paper": "the paper's recipe",
    "ours": "closed-form start",
}
COLOURS = {"ranges": style.NEGATIVE, "paper": style.QUERY, "ours": style.POSITIVE}


@dataclass(frozen=True)
class Variant:
    """What is not as it is by default: the head's config, and options of the start."""

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
    """Keys of ``LAYERS``, ``RECIPES`` and ``VARIANTS``."""

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


def table(results: dict[str, Any]) -> str:
    """Perplexity of all cases, and its ratio to the stock model's."""
    stock = results["teacher"]
    lines = [
        "| layers | start | no step | " + " | ".join(f"{mark} steps" for mark in MARKS) + " |",
        "|---|---|---|" + "---|" * len(MARKS),
        f"| none | stock model | {stock:.2f} | " + " | ".join("" for _ in MARKS) + " |",
    ]
    for case in CASES:
        found = results.get(case.name, {"before": None, "after": {}})
        scores = [found["before"], *(found["after"].get(str(mark)) for mark in MARKS)]
        cells = [LAYERS[case.layers], case.label, *(_shown(each, stock) for each in scores)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _shown(value: float | None, stock: float) -> str:
    if value is None:
        return "not run"
    return f"{value:.1f}, {value / stock:.2f} x" if value < 1000 else f"{value:.0f}"


def draw(results: dict[str, Any], path: Path) -> None:
    """Perplexity over steps, a panel for six layers and one for all."""

    def paint(figure: Figure) -> None:
        for panel, layers in zip(figure.subplots(1, len(LAYERS)), LAYERS, strict=True):
            panel.axhline(results["teacher"], color=style.MUTED, linestyle=":", label="stock model")
            for case in CASES:
                if case.layers != layers or case.name not in results:
                    continue
                found = results[case.name]
                points = {0: found["before"]} | {int(k): v for k, v in found["after"].items()}
                points = {k: v for k, v in sorted(points.items()) if v is not None}
                panel.plot(
                    points.keys(),
                    points.values(),
                    linestyle="--" if case.variant else "-",
                    color=COLOURS[case.recipe],
                    marker="s" if case.variant else "o",
                    label=case.label.replace("`", ""),
                )
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter(ScalarFormatter())
            panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.4)))
            panel.set_xlabel("steps of 2 x 512 tokens", fontsize=style.TEXT)
            panel.set_ylabel("perplexity", fontsize=style.TEXT)
            panel.set_title(f"layers {LAYERS[layers]} on the arrays", fontsize=style.TITLE)
            panel.tick_params(which="both", labelsize=style.SMALL)
            panel.legend(fontsize=style.SMALL, frameon=False)
        figure.tight_layout()

    style.draw(paint, 4.0, path)
