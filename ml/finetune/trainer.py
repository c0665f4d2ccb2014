"""Hugging Face's Trainer with this project's loss, schedule, checkpoints and scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, Trainer

from gaincell.ml.evaluate.perplexity import Score, perplexity
from gaincell.ml.finetune.arguments import rate_at, training_arguments
from gaincell.ml.finetune.curves import Watcher
from gaincell.ml.finetune.data.windows import Windows
from gaincell.ml.finetune.parameters import groups_of
from gaincell.ml.finetune.rhythm import Rhythm
from gaincell.ml.finetune.run_file import RunFile
from gaincell.ml.finetune.settings import Stage
from gaincell.ml.finetune.state import checkpoints
from gaincell.ml.finetune.state.listing import Checkpoint, checkpoints_in
from gaincell.ml.finetune.state.random_state import (
    random_state,
    set_random_state,
    undisturbed,
)
from gaincell.ml.finetune.state.record import Record
from gaincell.ml.finetune.teacher import distillation_loss, logits_of, text_loss
from gaincell.ml.models.saved.write import writing
from gaincell.refusals import Failed, Unable


class StageTrainer(Trainer):
    """Trains one stage of a run.

    Parameters
    ----------
    model : a model on the arrays, changed in place
    settings : the run file
    name : the stage's name in the run file, "linear" or "nonlinear"
    data : the stage's samples, for all processes
    teacher : a model whose logits are learned as [teacher] says, or None
    held_out : windows (W, T) to score, or None
    tokenizer : saved with each checkpoint
    record : the run's record so far; losses and scores are added
    kept : called without arguments after each checkpoint, in the first process
    watchers : told of each step and score, in the first process
    interrupted : called after each step; True stops the stage with a checkpoint

    Attributes
    ----------
    stopped : whether ``interrupted`` stopped the stage, in this process or in another
    """

    optimizer: Any
    lr_scheduler: Any

    def __init__(
        self,
        model: Any,
        settings: RunFile,
        name: str,
        *,
        data: Windows,
        teacher: Any,
        held_out: Tensor | None,
        tokenizer: Any,
        record: Record,
        kept: Callable[[], None],
        watchers: Sequence[Watcher],
        interrupted: Callable[[], bool],
    ) -> None:
        self.settings, self.name = settings, name
        self.stage: Stage = dict(settings.stages)[name]
        self.teacher, self.held_out, self.tokenizer = teacher, held_out, tokenizer
        self.record, self.kept, self.interrupted = record, kept, interrupted
        self.folder = Path(settings.run.folder) / "checkpoints"
        self.resumed: Checkpoint | None = None
        self.stopped = False
        super().__init__(
            model=model,
            args=training_arguments(model, settings, self.stage),
            train_dataset=data,
            data_collator=_stack,
            callbacks=[Rhythm(self)],
        )
        self.remove_callback(PrinterCallback)
        self.watchers = list(watchers) if self.is_world_process_zero() else []
        # The loss is the mean of the batch: its windows are all of one length.
        self.model_accepts_loss_kwargs = False
        if teacher is not None:
            teacher.to(self.args.device)

    def run(self, resumed: Checkpoint | None) -> None:
        """Train to the last step, or until ``interrupted`` says to stop.

        Raises
        ------
        Failed
            A loss or gradient is not finite.
        Unable
            A checkpoint cannot be written.
        """
        self.resumed = resumed
        done = 0 if resumed is None else resumed.step
        self.record.begin(self.name)
        try:
            self._tell("begin", self.name, self.stage.steps, done)
            self.train(resume_from_checkpoint=None if resumed is None else str(resumed.path))
        finally:
            self._tell("end")
            # bfloat16 had been wrapped around the model's own forward.
            self.accelerator.unwrap_model(self.model_wrapped, keep_fp32_wrapper=False)
            self.accelerator.free_memory()

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], *_: Any, **__: Any) -> Tensor:
        ids = inputs["input_ids"]
        logits = model(input_ids=ids, use_cache=False).logits
        settings = self.settings.teacher
        if settings is None:
            return text_loss(logits, ids)
        with self.accelerator.autocast():
            wanted = logits_of(self.teacher, ids)
        taught = distillation_loss(logits, wanted, settings.temperature)
        if settings.weight == 1.0:
            return taught
        return (1 - settings.weight) * text_loss(logits, ids) + settings.weight * taught

    def create_optimizer(self, model: Any = None) -> Any:
        if self.optimizer is None:
            decaying = set(self.get_decay_parameter_names(self.model))
            groups = groups_of(self.model, self.stage, decaying)
            # Fused, it is several times faster on a CPU.
            self.optimizer = torch.optim.AdamW(
                groups, lr=self.stage.learning_rate, betas=self.stage.betas, fused=True
            )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        if self.lr_scheduler is None:
            stage = self.stage
            self.lr_scheduler = LambdaLR(self.optimizer, lambda step: rate_at(step, stage))
            self._created_lr_scheduler = True
        assert isinstance(self.lr_scheduler, LambdaLR)
        return self.lr_scheduler

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Record each step, in all processes; Trainer's summary at the end is left out."""
        if "loss" not in logs:
            return
        step = self.state.global_step
        numbers = {name: float(logs[name]) for name in ("loss", "grad_norm", "learning_rate")}
        for name in ("loss", "grad_norm"):
            if not math.isfinite(numbers[name]):
                what = "the loss" if name == "loss" else "the gradient"
                raise Failed(
                    f"{what} of step {step} of [{self.name}] is not finite: begin a new run with a "
                    f"lower learning_rate; {self.last_checkpoint}"
                )
        self.record.add_step(self.name, numbers["loss"], numbers["grad_norm"])
        self._tell("step", numbers)

    @property
    def last_checkpoint(self) -> str:
        """Which checkpoint is the last, in words."""
        there = checkpoints_in(self.folder)
        return f"the last checkpoint is {there[-1].path}" if there else "there is no checkpoint yet"

    def _tell(self, what: str, *news: Any) -> None:
        for watcher in self.watchers:
            try:
                getattr(watcher, what)(*news)
            except OSError as error:
                self.watchers.remove(watcher)
                raise Unable(
                    f"the curves in {self.settings.run.folder}/tensorboard cannot be written: "
                    f"{error}; {self.last_checkpoint}: make room and run the same command again"
                ) from error

    def _evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        # Trainer asks again when its epoch ends.
        self.control.should_evaluate = False
        self.score()
        return {}

    def score(self) -> None:
        """Perplexity on the held-out text; each process scores a part of it."""
        if self.held_out is None:
            return
        model, count = self.model, self.accelerator.num_processes
        model.eval()
        with undisturbed(model):
            part = perplexity(model, self.held_out[self.args.process_index :: count])
        model.train()
        both = torch.tensor([part.nats, part.tokens], dtype=torch.float64, device=self.args.device)
        nats, tokens = self.accelerator.reduce(both, reduction="sum").tolist()
        score = Score(nats, int(tokens))
        self.record.add_score(self.name, self.state.global_step, score)
        self._tell("score", score.perplexity)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        from accelerate.utils import gather_object

        states = gather_object([random_state(self.model)])
        if not self.is_world_process_zero():
            return
        state = {
            "random": states,
            "schedule": self.lr_scheduler.state_dict(),
            "record": self.record.as_json(),
        }
        step = self.state.global_step
        fault = f"the checkpoint of step {step} of [{self.name}] cannot be written"
        with writing(fault, lambda: self.last_checkpoint):
            self.folder.mkdir(exist_ok=True)
            checkpoints.write(
                self.folder,
                self.name,
                step,
                model=self.model,
                tokenizer=self.tokenizer,
                optimizer=self.optimizer,
                state=state,
                trainer=self.state,
            )
            checkpoints.prune(self.folder, self.settings.run.keep)
            self.kept()

    def _load_from_checkpoint(self, *_: Any, **__: Any) -> None:
        """The weights are loaded when the model is made."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.resumed is not None:
            checkpoints.load_optimizer(self.resumed, self.optimizer)
            self.lr_scheduler.load_state_dict(self.resumed.state()["schedule"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if self.resumed is not None:
            states = self.resumed.state()["random"]
            set_random_state(self.model, states[self.args.process_index])

    def should_stop(self) -> bool:
        """Whether any process is to stop; all processes ask after the same step."""
        mine = torch.tensor([float(self.interrupted())], device=self.args.device)
        self.stopped = bool(self.accelerator.reduce(mine, reduction="sum").item())
        return self.stopped


def _stack(samples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {"input_ids": torch.stack([each["input_ids"] for each in samples])}  # (B, T)
