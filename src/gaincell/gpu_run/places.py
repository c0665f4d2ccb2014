"""Where the run keeps its files, below one working folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gaincell.files import replacing
from gaincell.gpu_run.plan import PLAN, Plan, load_plan
from gaincell.tables import read_json

SLIM = "model.gguf"
"""The model's weights without lists of words, beside its tokenizer."""
SMALL_START = "start.safetensors"
LEARNED = "learned.bin"
"""Token file of the text to learn from; ``scored-NAME.bin`` are those to score."""


@dataclass(frozen=True)
class Places:
    """The working folder.

    prepared : what ``gather`` unpacked: plan, model and texts
    start : the model of the closed-form start
    left_s : seconds until a part that begins now is told to stop; None: nobody will tell it
    """

    work: Path
    left_s: float | None = None

    @property
    def prepared(self) -> Path:
        return self.work / "prepared"

    @property
    def start(self) -> Path:
        return self.work / "start"

    @property
    def small_start(self) -> Path:
        """The start's difference to the stock model."""
        return self.work / SMALL_START

    @property
    def difference(self) -> Path:
        return self.work / "difference.safetensors"

    @cached_property
    def plan(self) -> Plan:
        return load_plan(self.prepared / PLAN)

    @property
    def given(self) -> Path:
        """The model as it was prepared."""
        return self.prepared / self.plan.model

    @property
    def stock(self) -> Path:
        """The same model as plain weights, which the start writes."""
        return self.work / "stock-model"

    @property
    def learned(self) -> Path:
        return self.prepared / LEARNED

    @cached_property
    def scored(self) -> dict[str, Path]:
        """Token files to score, by the names of their texts."""
        files = sorted(self.prepared.glob("scored-*.bin"))
        return {file.stem.removeprefix("scored-"): file for file in files}

    @cached_property
    def about(self) -> dict[str, Any]:
        """What ``prepare`` wrote down: the revision, and the texts."""
        return dict(read_json(self.prepared / "about.json", "description"))

    def figures(self, part: str) -> dict[str, Any]:
        """What a part of this working folder found."""
        return dict(read_json(self.figures_file(part), "figures")["figures"])

    def figures_file(self, part: str) -> Path:
        return self.work / f"{part}.json"

    def write_figures(self, part: str, found: dict[str, Any]) -> None:
        with replacing(self.figures_file(part)) as unfinished:
            unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
