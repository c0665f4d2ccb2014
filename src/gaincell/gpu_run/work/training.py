"""Stage 2 and the trainings beside it; first of all, how fast each of them is."""

from __future__ import annotations

import gc
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from types import FrameType
from typing import Any

import torch
from transformers.utils import logging

from gaincell.gpu_run.places import Places
from gaincell.gpu_run.work.run_files import write_run_file
from gaincell.gpu_run.work.scores import device, peak_gb, scores_of
from gaincell.gpu_run.work.start import stock_model
from gaincell.ml.finetune.folder import check_folder, check_identity, is_finished, make_folder
from gaincell.ml.finetune.preparation import prepare
from gaincell.ml.finetune.run import Interrupted, train
from gaincell.ml.finetune.run_file import load_run_file
from gaincell.ml.finetune.state.record import Record
from gaincell.ml.models.load import load_model

RUN_TABLES = "training", "teacher", "linear", "nonlinear"
"""Of the run file, for the record."""


class Measured(Exception):
    """A trial has made all its steps; it keeps no model."""


def measure_speeds(places: Places) -> dict[str, Any]:
    """Tokens per second of each training of the plan, and the batch that fits all of them."""
    rates: dict[str, float] = {}
    peaks: dict[str, float | None] = {}
    batch = places.plan.training.batch
    stock_model(places)
    for name in places.plan.training.which:
        rates[name], batch = _speed(places, name, batch)
        peaks[name] = peak_gb()
    return {"tokens_per_s": rates, "peak_gb": peaks, "batch": batch}


def _steps(places: Places, rate: float) -> int:
    """Steps of a training of so many tokens per second: those that its seconds allow.

    With a reserve in the plan, this call must allow them too.
    """
    plan, training = places.plan, places.plan.training
    seconds = training.seconds
    if training.reserve_s is not None and places.left_s is not None:
        seconds = min(seconds, max(0.0, places.left_s - training.reserve_s))
    tokens = min(training.tokens, seconds * rate)
    return max(2, int(tokens / (training.step_windows * plan.window)))


def _speed(places: Places, name: str, batch: int) -> tuple[float, int]:
    """Tokens per second, and the largest batch of ``batch``, its half and so on that fits."""
    training = places.plan.training
    trial = training.trial_steps
    while True:
        ends: list[float] = []

        def stepped(ends: list[float] = ends) -> bool:
            _wait()
            ends.append(perf_counter())
            if len(ends) >= trial:
                raise Measured
            return False

        path = places.work / f"trial-{name}-{batch}"
        file = write_run_file(
            places, name, path, steps=10 * trial, batch=batch, checkpoint_every=10 * trial
        )
        try:
            _train(file, name, stepped)
        except Measured:
            seconds = median(b - a for a, b in pairwise(ends[1:]))
            return training.step_windows * places.plan.window / seconds, batch
        except torch.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2
        finally:
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def run_training(places: Places, name: str, speeds: dict[str, Any]) -> dict[str, Any] | None:
    """One of the trainings to its end, and its scores; None: a signal stopped it.

    The same call goes on from the last checkpoint.
    """
    folder = places.work / name
    file = folder.with_suffix(".toml")
    if not file.is_file():
        every = places.plan.training.checkpoint_every
        file = write_run_file(
            places,
            name,
            folder,
            steps=_steps(places, speeds["tokens_per_s"][name]),
            batch=speeds["batch"],
            checkpoint_every=every,
        )
    begun, steps = perf_counter(), 0
    if not is_finished(load_run_file(file)):
        with _stopping() as stop:

            def stepped() -> bool:
                nonlocal steps
                steps += 1
                return bool(stop)

            if _train(file, name, stepped) is None:
                return None
    _wait()
    seconds = perf_counter() - begun
    model = load_model(folder / "model")[0].to(device())
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    losses = [loss for stage in metrics["losses"].values() for loss in stage]
    return {
        "scores": scores_of(model, places),
        "tokens": len(losses) * places.plan.training.step_windows * places.plan.window,
        "steps": len(losses),
        "tokens_per_s": speeds["tokens_per_s"][name],
        "first_loss": losses[0],
        "last_loss": median(losses[-10:]),
        "steps_of_last_call": steps,
        "seconds_of_last_call": seconds,
        "peak_gb": peak_gb(),
        "run": _tables(metrics["config"], places),
    }


def _tables(config: dict[str, Any], places: Places) -> dict[str, Any]:
    """The run file's tables, with no path of this machine in them."""
    tables = {name: config[name] for name in RUN_TABLES}
    tables["teacher"] = tables["teacher"] | {"name": places.stock.name}
    return tables


def _train(file: Path, name: str, stepped: Any) -> Record | None:
    """What ``gaincell finetune`` does with a run file; None: ``stepped`` stopped it."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    settings = load_run_file(file)
    checkpoint = check_folder(settings)
    # The stock model is one of whose layers none is on the arrays.
    start = prepare(
        settings,
        fit=checkpoint is None and name == "paper",
        layers_of=lambda _: [] if name == "stock" else None,
    )
    check_identity(settings, start)
    make_folder(settings, start, file)
    try:
        return train(settings, start, checkpoint, first_process=True, interrupted=stepped)
    except Interrupted as stop:
        print(stop, flush=True)
        return None


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Signals to stop that came in this context: they end a step, not the process."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)
