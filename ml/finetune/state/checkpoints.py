"""Checkpoints of a run: each a folder that is there whole or not at all, without pickle.

``<stage>-<step>/`` holds the model as ``save_pretrained`` writes it, and the optimizer's tensors,
the random generators of each process, and what the run had recorded up to this step.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gaincell.files import new_folder, remove_folder
from gaincell.refusals import Failed

STAGES = ("linear", "nonlinear")
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"
TRAINER = "trainer_state.json"


@dataclass(frozen=True)
class Checkpoint:
    """One that is whole."""

    path: Path
    stage: str
    step: int

    def state(self) -> dict[str, Any]:
        """What ``write`` was given.

        Raises
        ------
        Failed
            It cannot be read.
        """
        try:
            found: dict[str, Any] = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        return found

    def load_model(self, model: Any) -> None:
        """Put the weights into a model of the same layers.

        They are copied into the tensors that are there: results depend, in the last bit, on where
        in memory a tensor begins.

        Raises
        ------
        Failed
            The weights cannot be read, or are not the model's.
        """
        weights: dict[str, Tensor] = {}
        try:
            for file in sorted(self.path.glob("model*.safetensors")):
                weights |= load_file(file)
        except (OSError, SafetensorError) as error:
            raise self._damaged(error) from error
        own = model.state_dict()
        filled = {own[name].data_ptr() for name in weights if name in own}
        foreign = sorted(weights.keys() - own.keys())
        missing = sorted(name for name, each in own.items() if each.data_ptr() not in filled)
        if foreign or missing:
            raise Failed(
                f"checkpoint {self.path} does not fit the model: "
                f"{(foreign or missing)[0]} is in only one of them"
            )
        with torch.no_grad():
            for name, weight in weights.items():
                own[name].copy_(weight)

    def load_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Put the optimizer's state into one of the same groups.

        Raises
        ------
        Failed
            It cannot be read.
        """
        state: dict[int, dict[str, Tensor]] = {}
        try:
            for name, tensor in load_file(self.path / OPTIMIZER).items():
                index, _, key = name.partition(".")
                state.setdefault(int(index), {})[key] = tensor.clone()
        except (OSError, SafetensorError) as error:
            raise self._damaged(error) from error
        groups = self.state()["groups"]
        for group in groups:
            group["betas"] = tuple(group["betas"])
        optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _damaged(self, error: Exception) -> Failed:
        return Failed(
            f"checkpoint {self.path} is damaged: {error}; remove it to go on from the one before"
        )


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
        It cannot be written; nothing of it is left.
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


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """Those in ``folder``, the oldest first; what is half written is none."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = re.fullmatch(rf"({'|'.join(STAGES)})-(\d+)", path.name)
        if match is not None and path.is_dir():
            found.append(Checkpoint(path, match[1], int(match[2])))
    return sorted(found, key=lambda each: (STAGES.index(each.stage), each.step))


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest ``keep``."""
    for each in checkpoints_in(folder)[:-keep]:
        remove_folder(each.path)


def _dump(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
