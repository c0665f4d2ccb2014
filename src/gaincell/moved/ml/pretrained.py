"""Moved to ``gaincell.ml.models.load``."""

from gaincell.ml.models.load import *  # noqa: F403
