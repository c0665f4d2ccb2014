"""Moved to ``gaincell.ml.models.layer``."""

from gaincell.ml.models.layer import *  # noqa: F403
