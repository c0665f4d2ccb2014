"""``set_faults`` gives a converted model arrays with faults, for training and evaluation."""

from __future__ import annotations

import torch

from gaincell.behavioral.faults import Faults
from gaincell.ml.attention.faulty_arrays import FaultyArrays
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings


def set_faults(model: HardwareModel, faults: Faults | None, seed: int = 0) -> None:
    """Give each layer of kind "hardware" or "linear" its own arrays with ``faults``; None: ideal.

    Static faults are drawn here once, noise at every read. Faults are not saved with the model.
    While there are faults, the model does not decode from a ``HardwareCache``.
    """
    settings = Settings.of(model.config)
    for layer, kind in enumerate(settings.kinds):
        if kind == "stock":
            continue
        scalers = model.scalers(layer)
        scalers.faults = scalers.noise = None
        if faults is not None and kind != "softmax":
            static, noise = (
                torch.Generator().manual_seed(2 * (seed * len(settings.kinds) + layer) + part)
                for part in (0, 1)
            )
            scalers.faults = FaultyArrays(settings.head, faults, scalers.arrays, static)
            scalers.noise = noise
