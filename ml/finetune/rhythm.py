"""Before and after which steps a stage draws arrays, logs, scores, keeps a checkpoint, stops."""

from __future__ import annotations

from typing import Any, Protocol

from transformers import TrainerCallback

from gaincell.ml.finetune.run_file import RunFile
from gaincell.ml.finetune.state.listing import Checkpoint
from gaincell.ml.finetune.state.random_state import vary_by_process
from gaincell.ml.models.faults import redraw_arrays


class Paced(Protocol):
    """The part of a trainer that the rhythm uses; ``StageTrainer`` says what each means."""

    model: Any
    settings: RunFile
    resumed: Checkpoint | None

    def score(self) -> None: ...

    def should_stop(self) -> bool: ...


class Rhythm(TrainerCallback):
    """Tells Trainer after each step what to do, as [run] of the run file says."""

    def __init__(self, trainer: Paced) -> None:
        self.trainer = trainer
        faults = trainer.settings.faults
        self.chip = None if faults is None else faults.chip(0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        vary_by_process(self.trainer.model, args.seed, args.process_index)
        if self.trainer.resumed is None:
            self.trainer.score()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        faults = self.trainer.settings.faults
        if faults is not None and faults.chip(state.global_step) != self.chip:
            self.chip = faults.chip(state.global_step)
            redraw_arrays(self.trainer.model, faults.sizes, self.chip)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        run, last = self.trainer.settings.run, state.global_step == state.max_steps
        stop = self.trainer.should_stop()
        control.should_log = True
        control.should_evaluate = last or state.global_step % run.evaluate_every == 0
        control.should_save = stop or last or state.global_step % run.checkpoint_every == 0
        control.should_training_stop = stop or last
