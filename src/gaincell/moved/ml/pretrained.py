"""Moved to ``gaincell.ml.models.load``."""

from gaincell.inputs.model_places import SMOLLM2  # noqa: F401
from gaincell.ml.models.load import *  # noqa: F403
