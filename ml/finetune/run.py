"""A whole run: its stages one after the other, from the beginning or from a checkpoint."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from gaincell.ml.finetune.curves import Bar, Curves, Watcher
from gaincell.ml.finetune.data.windows import Windows
from gaincell.ml.finetune.folder import METRICS, MODEL
from gaincell.ml.finetune.parameters import choose_parameters
from gaincell.ml.finetune.preparation import KIND, Start, processes, use_float32
from gaincell.ml.finetune.run_file import RunFile
from gaincell.ml.finetune.settings import Adapt
from gaincell.ml.finetune.state import checkpoints
from gaincell.ml.finetune.state.listing import Checkpoint
from gaincell.ml.finetune.state.record import Record, about_run, write_metrics
from gaincell.ml.finetune.trainer import StageTrainer
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.saved.write import save_model, writing
from gaincell.ml.start.matching import match_moments
from gaincell.ml.start.moments import moments_of
from gaincell.refusals import Failed


class Interrupted(Exception):
    """A run was told to stop; the message names the checkpoint from which it can go on."""


def train(
    settings: RunFile,
    start: Start,
    checkpoint: Checkpoint | None,
    *,
    first_process: bool,
    interrupted: Callable[[], bool],
) -> Record:
    """All stages of a run, from its beginning or from a checkpoint, and the model at its end.

    Parameters
    ----------
    interrupted : called after each step; True stops the run

    Raises
    ------
    Failed
        The training diverges.
    Refused
        A checkpoint cannot be read.
    Unable
        A file cannot be written.
    Interrupted
        ``interrupted`` stopped the run.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(settings.training.matmul_precision)
    try:
        return _train(settings, start, checkpoint, first_process, interrupted)
    finally:
        torch.set_float32_matmul_precision(before)


def _train(
    settings: RunFile,
    start: Start,
    checkpoint: Checkpoint | None,
    first_process: bool,
    interrupted: Callable[[], bool],
) -> Record:
    model, folder = start.model, Path(settings.run.folder)
    record = Record() if checkpoint is None else Record(**checkpoint.state()["record"])
    about = about_run(settings.as_tables(), processes())
    names = [name for name, _ in settings.stages]
    begun = 0 if checkpoint is None else names.index(checkpoint.stage)
    if checkpoint is not None:
        convert(model, start.head, KIND[checkpoint.stage], start.layers)
        checkpoints.load_model(checkpoint, model)
    consumed = 0

    def keep() -> None:
        write_metrics(folder / METRICS, record, about)

    for index, (name, stage) in enumerate(settings.stages):
        per_step = settings.training.batch * settings.training.accumulation * processes()
        samples = stage.steps * per_step
        data = Windows(start.tokens, settings.data.window, settings.run.seed, consumed, samples)
        consumed += samples
        here = checkpoint if checkpoint is not None and checkpoint.stage == name else None
        if index < begun or (here is not None and here.step >= stage.steps):
            continue
        if here is None and name == "nonlinear" and start.adapting is not None:
            record.adaptation = _adapt(start, settings.adapt or Adapt(), first_process)
        _set_up(start, settings)
        trainer = StageTrainer(
            model,
            settings,
            name,
            data=data,
            teacher=start.teacher,
            held_out=start.held_out,
            tokenizer=start.tokenizer,
            record=record,
            kept=keep,
            watchers=_watchers(settings, per_step),
            interrupted=interrupted,
        )
        trainer.run(here)
        if trainer.stopped:
            raise Interrupted(
                f"stopped after step {trainer.state.global_step} of [{name}]: "
                f"{trainer.last_checkpoint}; the same command goes on from there"
            )
        # A second trainer must not meet the first one's hooks on the parameters.
        del trainer
        gc.collect()
    if first_process:
        _finish(start, folder, keep)
    return record


def _adapt(start: Start, settings: Adapt, shown: bool) -> dict[str, Any]:
    """Move the linear model to the real cell; what metrics.json says of it."""
    assert start.adapting is not None
    set_faults(start.model, None)
    with tqdm(
        total=settings.iterations, desc="adapt", unit="update", disable=None if shown else True
    ) as bar:

        def show(updates: int, distance: float) -> None:
            bar.update(updates - bar.n)
            bar.set_postfix(distance=f"{distance:.2g}")

        try:
            targets = moments_of(start.model, start.adapting)
            convert(start.model, start.head, "hardware", start.layers)
            matching = match_moments(
                start.model,
                targets,
                start.adapting,
                iterations=settings.iterations,
                tolerance=settings.tolerance,
                progress=show,
            )
        except ValueError as error:
            raise Failed(f"the adaptation failed: {error}") from error
    return asdict(matching) | {"converged": matching.converged, "summary": str(matching)}


def _set_up(start: Start, settings: RunFile) -> None:
    """Faults, types and parameters of the model's present kind."""
    faults = settings.faults
    set_faults(
        start.model,
        None if faults is None else faults.sizes,
        0 if faults is None else faults.seed,
    )
    if settings.training.bf16:
        use_float32(start.model, start.layers)
    choose_parameters(start.model, settings.training.train)


def _watchers(settings: RunFile, windows_per_step: int) -> list[Watcher]:
    tokens = windows_per_step * settings.data.window
    watchers: list[Watcher] = [Bar(tokens)]
    if settings.run.tensorboard:
        before, count = {}, 0
        for name, stage in settings.stages:
            before[name] = count
            count += stage.steps
        watchers.append(Curves(Path(settings.run.folder) / "tensorboard", before, tokens))
    return watchers


def _finish(start: Start, folder: Path, keep: Callable[[], None]) -> None:
    with writing(f"{folder / METRICS} cannot be written"):
        keep()
    save_model(start.model.to("cpu"), start.tokenizer, folder / MODEL)
