"""Moved to ``gaincell.ml.models.load``."""

from gaincell.ml.models.load import *  # noqa: F403
from gaincell.model_places import SMOLLM2  # noqa: F401
