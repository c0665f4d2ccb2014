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
            scalers.faults = _arrays(model, layer, faults, seed)
            scalers.noise = _generator(model, layer, seed, 1)


def redraw_arrays(model: HardwareModel, faults: Faults, seed: int) -> None:
    """Give each layer that has faults the arrays of another seed; its noise goes on as before."""
    for layer, kind in enumerate(Settings.of(model.config).kinds):
        if kind != "stock" and model.scalers(layer).faults is not None:
            model.scalers(layer).faults = _arrays(model, layer, faults, seed)


def _arrays(model: HardwareModel, layer: int, faults: Faults, seed: int) -> FaultyArrays:
    head, heads = Settings.of(model.config).head, model.scalers(layer).arrays
    return FaultyArrays(head, faults, heads, _generator(model, layer, seed, 0))


def _generator(model: HardwareModel, layer: int, seed: int, part: int) -> torch.Generator:
    """Of a layer's static faults (part 0) or of its noise (1)."""
    layers = len(Settings.of(model.config).kinds)
    return torch.Generator().manual_seed(2 * (seed * layers + layer) + part)
