"""Which parameters a run trains, and at which rate."""

from __future__ import annotations

from typing import Any

from torch import nn

from gaincell.ml.finetune.settings import Stage
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.scalers import SUBMODULE
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.moments import ARRAYS


def is_scaler(name: str) -> bool:
    """Whether a parameter of that name belongs to scalers."""
    return SUBMODULE in name.split(".")


def choose_parameters(model: HardwareModel, train: str) -> None:
    """Let learn "all", what layers on the arrays attend with ("attention"), or their "scalers".

    Scalers of other layers never learn: nothing is computed with them.
    """
    model.requires_grad_(train == "all")
    layers = zip(model.attention_layers(), Settings.of(model.config).kinds, strict=True)
    for layer, kind in layers:
        if train == "attention" and kind in ARRAYS:
            layer.requires_grad_(True)
        for name, parameter in layer.named_parameters():
            if is_scaler(name):
                parameter.requires_grad_(kind in ARRAYS)


def groups_of(model: nn.Module, stage: Stage, decaying: set[str]) -> list[dict[str, Any]]:
    """Groups for the optimizer: what decays, what does not, and scalers, with their own rate."""
    learning = {name: each for name, each in model.named_parameters() if each.requires_grad}
    scalers = {name for name in learning if is_scaler(name)}
    weights = {name for name in learning if name in decaying} - scalers
    rate = stage.scaler_learning_rate or stage.learning_rate
    groups: list[dict[str, Any]] = [
        {"names": weights, "weight_decay": stage.weight_decay},
        {"names": learning.keys() - weights - scalers, "weight_decay": 0.0},
        {"names": scalers, "weight_decay": 0.0, "lr": rate},
    ]
    return [
        {key: value for key, value in group.items() if key != "names"}
        | {"params": [each for name, each in learning.items() if name in group["names"]]}
        for group in groups
        if group["names"]
    ]
