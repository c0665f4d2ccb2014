"""Checkpoints written, loaded and removed: each is there whole or not at all, without pickle.

``<stage>-<step>/`` holds the model as ``save_pretrained`` writes it, the optimizer's tensors, the
random generators of each process, and the run's record up to this step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gaincell.files import new_folder, remove_folder
from gaincell.ml.finetune.state.listing import STATE, Checkpoint, checkpoints_in
from gaincell.refusals import Refused

OPTIMIZER = "optimizer.safetensors"
TRAINER = "trainer_state.json"


def load_model(checkpoint: Checkpoint, model: Any) -> None:
    """Put a checkpoint's weights into a model of the same layers.

    The weights are copied into the model's tensors: results depend, in the last bit, on where
    in memory a tensor begins.

    Raises
    ------
    Refused
        The weights cannot be read, or are not the model's.
    """
    weights: dict[str, Tensor] = {}
    with checkpoint.reading():
        for file in sorted(checkpoint.path.glob("model*.safetensors")):
            weights |= load_file(file)
    own = model.state_dict()
    filled = {own[name].data_ptr() for name in weights if name in own}
    foreign = sorted(
        name for name, each in weights.items() if name not in own or each.shape != own[name].shape
    )
    missing = sorted(name for name, tensor in own.items() if tensor.data_ptr() not in filled)
    if foreign or missing:
        raise Refused(
            f"checkpoint {checkpoint.path} does not fit the model: "
            f"{(foreign or missing)[0]} is in only one of them, or has another shape"
        )
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)


def load_optimizer(checkpoint: Checkpoint, optimizer: torch.optim.Optimizer) -> None:
    """Put a checkpoint's optimizer state into an optimizer of the same groups.

    Raises
    ------
    Refused
        The state cannot be read.
    """
    state: dict[int, dict[str, Tensor]] = {}
    with checkpoint.reading():
        for name, tensor in load_file(checkpoint.path / OPTIMIZER).items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor.clone()
    groups = checkpoint.state()["groups"]
    for group in groups:
        group["betas"] = tuple(group["betas"])
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def write(
    folder: Path,
    stage: str,
    step: int,
    *,
    model: Any,
    tokenizer: Any,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    trainer: Any,
) -> Checkpoint:
    """A new checkpoint in ``folder``.

    Parameters
    ----------
    state : JSON to get back from ``Checkpoint.state``
    trainer : Trainer's own state

    Raises
    ------
    OSError, SafetensorError
        The checkpoint cannot be written; nothing of it is left.
    """
    path = folder / f"{stage}-{step:06d}"
    kept = optimizer.state_dict()
    tensors = {
        f"{index}.{key}": tensor.contiguous()
        for index, entries in kept["state"].items()
        for key, tensor in entries.items()
    }
    if path.exists():
        remove_folder(path)
    with new_folder(path) as whole:
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        save_file(tensors, whole / OPTIMIZER)
        _dump(state | {"groups": kept["param_groups"]}, whole / STATE)
        trainer.save_to_json(str(whole / TRAINER))
    return Checkpoint(path, stage, step)


def prune(folder: Path, keep: int) -> None:
    """Remove all checkpoints but the newest ``keep``."""
    for checkpoint in checkpoints_in(folder)[:-keep]:
        remove_folder(checkpoint.path)


def _dump(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
