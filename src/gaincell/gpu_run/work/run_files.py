"""Run files of ``gaincell finetune`` for the trainings, alike but for the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gaincell.gpu_run.places import Places


def write_run_file(
    places: Places, name: str, folder: Path, *, steps: int, batch: int, checkpoint_every: int
) -> Path:
    """``folder``.toml: one of the plan's ``TRAININGS`` for so many steps.

    All read the same windows in the same order, with the same teacher and the same loss.
    """
    plan, training = places.plan, places.plan.training
    scored = next(iter(places.scored.values()))
    tables: dict[str, dict[str, Any]] = {
        "run": {
            "folder": str(folder),
            "seed": training.seed,
            "checkpoint_every": checkpoint_every,
            "keep": 1,
            "evaluate_every": max(1, steps // 4),
            "tensorboard": False,
        },
        "model": {"name": str(places.stock)},
        "data": {"token_file": str(places.learned), "window": plan.window},
        "held_out": {"token_file": str(scored), "windows": 2},
        "training": {
            "batch": batch,
            "accumulation": training.step_windows // batch,
            "bf16": training.bf16,
            "matmul_precision": training.matmul_precision,
        },
        "teacher": {"name": str(places.stock), "weight": training.teacher_weight},
        "nonlinear": _stage(training.learning_rate, training.map_rate, steps, training.final_ratio),
    }
    if name == "distilled":
        tables["model"] = {"name": str(places.start)}
    elif name == "stock":
        tables["model"]["config"] = _head(places, plan.head)
    else:
        tables["model"]["config"] = _head(places, plan.paper_head)
        linear = min(max(1, round(training.paper_linear * steps)), max(1, steps - 1))
        rates = training.paper_rate, training.paper_scaler_rate
        tables |= {
            "linear": _stage(*rates, linear, training.final_ratio),
            "adapt": {"windows": 4},
            "nonlinear": _stage(*rates, max(1, steps - linear), training.final_ratio),
        }
    path = folder.with_suffix(".toml")
    lines = [
        line
        for table, entries in tables.items()
        for line in ("", f"[{table}]", *(f"{k} = {json.dumps(v)}" for k, v in entries.items()))
    ]
    path.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    return path


def _head(places: Places, name: str) -> str:
    own = places.prepared / name
    return str(own) if own.is_file() else name


def _stage(rate: float, scaler_rate: float, steps: int, final_ratio: float) -> dict[str, Any]:
    return {
        "steps": steps,
        "learning_rate": rate,
        "scaler_learning_rate": scaler_rate,
        "final_ratio": final_ratio,
        "warmup": min(20, steps // 10),
        "weight_decay": 0.0,
    }
