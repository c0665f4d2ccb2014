"""Starts: ways to put a trained model on the arrays; without training ``closed_form`` is best."""

from gaincell.ml.start.by_layer.fit_layer import Errors
from gaincell.ml.start.by_layer.options import REFITS, StartOptions
from gaincell.ml.start.by_layer.sensitivity import (
    Effort,
    Sensitivity,
    by_cost,
    least_sensitive,
    sensitivities,
)
from gaincell.ml.start.by_layer.sequence import closed_form

__all__ = [
    "REFITS",
    "Effort",
    "Errors",
    "Sensitivity",
    "StartOptions",
    "by_cost",
    "closed_form",
    "least_sensitive",
    "sensitivities",
]
