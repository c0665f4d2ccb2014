"""The demo's run files, and their runs as ``gaincell finetune`` does them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.files import replacing
from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.finetune.folder import METRICS, make_folder
from gaincell.ml.finetune.preparation import prepare
from gaincell.ml.finetune.run import train
from gaincell.ml.finetune.run_file import load_run_file


@dataclass(frozen=True)
class Plan:
    """One run.

    model : folder of the model that it begins with
    stage : "linear" or "nonlinear"
    steps : of that stage
    rate : its learning rate
    seed : of the data's order
    config : head of a stock model, whose scalers the run then fits; None: it is on the arrays
    adapts : whether the model is linear and its moments are matched first
    """

    name: str
    model: Path
    stage: str
    steps: int
    rate: float
    seed: int
    config: Path | None = None
    adapts: bool = False


def write_run_file(plan: Plan, folder: Path, texts: tuple[Path, Path], demo: DemoSettings) -> Path:
    """The run file of a plan, ``<name>.toml`` in ``folder``; the run's folder is beside it.

    Parameters
    ----------
    texts : to learn from and to score
    """
    model: dict[str, Any] = {"name": str(plan.model)}
    if plan.config is not None:
        model |= {"config": str(plan.config), "fit_windows": demo.calibration}
    stage = {
        "steps": plan.steps,
        "learning_rate": plan.rate,
        "warmup": min(demo.warmup, plan.steps),
    }
    tables: dict[str, dict[str, Any]] = {
        "run": {
            "folder": str(folder / plan.name),
            "seed": plan.seed,
            "checkpoint_every": plan.steps,
            "keep": 1,
            "evaluate_every": demo.evaluate_every,
            "tensorboard": False,
        },
        "model": model,
        "data": {"text": str(texts[0]), "window": demo.window},
        "held_out": {"text": str(texts[1]), "windows": demo.held_out},
        "training": {"batch": demo.batch, "device": "cpu"},
        **({"adapt": {"windows": demo.calibration}} if plan.adapts else {}),
        plan.stage: stage,
    }
    path = folder / f"{plan.name}.toml"
    with replacing(path) as unfinished:
        unfinished.write_text(_toml(tables), encoding="utf-8")
    return path


def run_file(path: Path) -> dict[str, Any]:
    """Train as ``gaincell finetune`` does; the run's metrics.

    Raises
    ------
    TypeError, ValueError, Failed, Unable
        As the parts of that command.
    """
    settings = load_run_file(path)
    start = prepare(settings, fit=True, layers_of=lambda _: None)
    make_folder(settings, start, path)
    train(settings, start, None, first_process=True, interrupted=lambda: False)
    metrics = Path(settings.run.folder) / METRICS
    whole: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    return whole


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    # JSON's strings, numbers and booleans are TOML's.
    parts = []
    for name, table in tables.items():
        keys = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        parts.append("\n".join([f"[{name}]", *keys]) + "\n")
    return "\n".join(parts)
