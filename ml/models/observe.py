"""Watches the attention of chosen layers while a model reads a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.scalers import Observation


@contextmanager
def observing(
    model: HardwareModel, observers: dict[int, Callable[[Observation], None]]
) -> Iterator[None]:
    """Inside this context, call each layer's observer with its inputs and outputs."""
    scalers = {layer: model.scalers(layer) for layer in observers}
    for layer, observer in observers.items():
        scalers[layer].observer = observer
    try:
        yield
    finally:
        for of_layer in scalers.values():
            of_layer.observer = None
