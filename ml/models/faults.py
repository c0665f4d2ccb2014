"""Faults of the arrays in a converted model, for training that must bear them."""

from __future__ import annotations

import torch

from gaincell.behavioral.faults import Faults
from gaincell.ml.attention.faulty_arrays import FaultyArrays
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings


def set_faults(model: HardwareModel, faults: Faults | None, seed: int = 0) -> None:
    """Give layers of kind "hardware" or "linear" arrays of their own with ``faults``; None: ideal.

    Static faults are drawn here, once; noise anew at every read. Not saved with the model. Decoding
    from a ``HardwareCache`` is refused while there are faults.
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
