"""Models that runs of the demo begin with, besides those that the runs make themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.models.convert import convert
from gaincell.ml.start import closed_form

Change = Callable[[Any, DemoSettings, Tensor], None]
"""Changes a model in place; the tensor is windows (W, T) of the training text."""


def without_adaptation(model: Any, settings: DemoSettings, _: Tensor) -> None:
    """A linear model's layers get the head's cell and keep their scalers."""
    convert(model, settings.head, "hardware")


def without_training(model: Any, settings: DemoSettings, windows: Tensor) -> None:
    """A stock model onto the arrays in closed form."""
    closed_form(model, settings.head, windows)
