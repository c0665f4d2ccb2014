"""A trained model onto the arrays without training it: maps and projections in closed form."""

from gaincell.ml.start.fit_layer import Errors
from gaincell.ml.start.options import REFITS, StartOptions
from gaincell.ml.start.sequence import closed_form

__all__ = ["REFITS", "Errors", "StartOptions", "closed_form"]
