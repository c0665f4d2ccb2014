"""A trained model onto the arrays without training it: maps and projections in closed form."""

from gaincell.ml.start.by_layer.fit_layer import Errors
from gaincell.ml.start.by_layer.options import REFITS, StartOptions
from gaincell.ml.start.by_layer.sequence import closed_form

__all__ = ["REFITS", "Errors", "StartOptions", "closed_form"]
