"""What a run has done so far: its losses and scores, and metrics.json."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gaincell.files import replacing
from gaincell.ml.evaluate.perplexity import Score
from gaincell.versions import revision, versions


@dataclass
class Record:
    """Grows with the run, and goes into every checkpoint.

    losses : by stage, of each step, nats per token; of all processes and batches of the step
    gradient_norms : likewise, before clipping
    scores : perplexity on the held-out text, with stage and step
    adaptation : how [adapt] went; None: not done
    """

    losses: dict[str, list[float]] = field(default_factory=dict)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    scores: list[dict[str, Any]] = field(default_factory=list)
    adaptation: dict[str, Any] | None = None

    def begin(self, stage: str) -> None:
        """A stage begins, or goes on."""
        for each in (self.losses, self.gradient_norms):
            each.setdefault(stage, [])

    def add_step(self, stage: str, loss: float, gradient_norm: float) -> None:
        self.losses[stage].append(loss)
        self.gradient_norms[stage].append(gradient_norm)

    def add_score(self, stage: str, step: int, score: Score) -> None:
        nats = score.nats / score.tokens
        self.scores.append(
            {
                "stage": stage,
                "step": step,
                "nats_per_token": nats if math.isfinite(nats) else None,
                "perplexity": score.perplexity if math.isfinite(score.perplexity) else None,
            }
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "losses": self.losses,
            "gradient_norms": self.gradient_norms,
            "scores": self.scores,
            "adaptation": self.adaptation,
        }


def write_metrics(path: Path, record: Record, about: dict[str, Any]) -> None:
    """metrics.json: the record, and ``about`` the run."""
    with replacing(path) as unfinished:
        text = json.dumps(about | record.as_json(), indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")


def about_run(config: dict[str, Any], processes: int) -> dict[str, Any]:
    """What metrics.json says of how the run was made."""
    libraries = ("torch", "transformers", "accelerate", "safetensors", "numpy")
    return {
        "config": config,
        "seed": config["run"]["seed"],
        "processes": processes,
        "threads": torch.get_num_threads(),
        "versions": versions(*libraries),
        "revision": revision(),
    }
