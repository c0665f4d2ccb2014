"""What the attention of chosen layers sees while a model reads a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.scalers import Observation


@contextmanager
def observing(
    model: HardwareModel, observers: dict[int, Callable[[Observation], None]]
) -> Iterator[None]:
    """Call each layer's observer with what its attention sees, inside this context."""
    scalers = {layer: model.scalers(layer) for layer in observers}
    for layer, observer in observers.items():
        scalers[layer].observer = observer
    try:
        yield
    finally:
        for each in scalers.values():
            each.observer = None
