"""A stage's learning rate, and its settings in Trainer's words."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import TrainingArguments

from gaincell.ml.finetune.preparation import processes
from gaincell.ml.finetune.run_file import RunFile
from gaincell.ml.finetune.settings import Stage


def rate_at(step: int, stage: Stage) -> float:
    """Learning rate of a step (from 0 on) over that after the warm-up."""
    if step < stage.warmup:
        return (step + 1) / (stage.warmup + 1)
    length = max(1, stage.steps - 1 - stage.warmup)
    done = min(1.0, (step - stage.warmup) / length)
    return stage.final_ratio + (1 - stage.final_ratio) * (1 + math.cos(math.pi * done)) / 2


def training_arguments(model: Any, settings: RunFile, stage: Stage) -> TrainingArguments:
    """For Trainer, which neither keeps nor reports anything on its own."""
    training = settings.training
    cpu = training.device == "cpu" or not torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=settings.run.folder,
        max_steps=stage.steps,
        per_device_train_batch_size=training.batch,
        gradient_accumulation_steps=training.accumulation,
        max_grad_norm=stage.clip,
        weight_decay=stage.weight_decay,
        seed=settings.run.seed,
        bf16=training.bf16,
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and processes() > 1 else None,
        ddp_find_unused_parameters=False,
        # The data come in order already, and say themselves which sample is which.
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_pin_memory=not cpu,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        log_level="error",
        # Trainer would write it into the model's config.
        use_cache=model.config.use_cache,
        # Older versions of transformers lack the option, and need it only where it is asked for.
        **({"activation_checkpointing": True} if training.activation_checkpointing else {}),
    )
    # One process has one device: several GPUs take several processes.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
