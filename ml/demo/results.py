"""The demo's results: a curve for each model, a table, and results.json."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gaincell.files import replacing
from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.finetune.state.record import about_run

LABELS = {
    "stock": "softmax, pre-training",
    "softmax": "softmax, trained on",
    "linear": "linear cell",
    "adapted": "adapted from linear",
    "unadapted": "not adapted",
    "ranges": "range scalers",
    "ours": "ours: closed-form start",
    "scratch": "from scratch",
}
"""What the picture and the table call each model, in the table's order."""


@dataclass(frozen=True)
class Curve:
    """Losses of one model on the held-out text.

    steps : of training that its weights have had, by any model before it too
    nats : per token, at those steps; None: not finite
    """

    steps: tuple[int, ...]
    nats: tuple[float | None, ...]

    @classmethod
    def of(cls, metrics: dict[str, Any], before: int) -> Curve:
        """The curve in a run's metrics.json; its weights had ``before`` steps of training."""
        scores = metrics["scores"]
        return cls(
            tuple(before + each["step"] for each in scores),
            tuple(each["nats_per_token"] for each in scores),
        )


@dataclass(frozen=True)
class Results:
    """All curves, by the names of ``LABELS``; how the adaptation went; tokens of each text."""

    settings: DemoSettings
    curves: dict[str, Curve]
    adaptation: str
    tokens: dict[str, int]

    def rows(self) -> list[tuple[str, ...]]:
        """Table for the terminal: perplexity before and after each model's own training."""
        head = ("held-out perplexity", "before", "after", "own steps", "all steps")
        rows: list[tuple[str, ...]] = [head]
        for name, label in LABELS.items():
            curve = self.curves[name]
            own = curve.steps[-1] - curve.steps[0]
            first, last = perplexity_text(curve.nats[0]), perplexity_text(curve.nats[-1])
            rows.append((label, first, last, str(own), str(curve.steps[-1])))
        return rows

    def write(self, path: Path) -> None:
        """results.json, with seeds, versions, head and settings."""
        seed = self.settings.seed
        about = about_run({"run": {"seed": seed}, "demo": self.settings.as_table()}, 1)
        curves = {
            name: {"label": LABELS[name]} | asdict(curve) for name, curve in self.curves.items()
        }
        found = about | {
            "head": self.settings.head.fields_set(),
            "tokens": self.tokens,
            "adaptation": self.adaptation,
            "held_out_nats_per_token": curves,
        }
        with replacing(path) as unfinished:
            unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def perplexity_text(nats: float | None) -> str:
    """Perplexity with one decimal place, of a loss in nats per token."""
    return "infinite" if nats is None or nats > 700 else f"{math.exp(nats):.1f}"
