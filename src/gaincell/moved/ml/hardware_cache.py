"""Moved to ``gaincell.ml.models.cache``."""

from gaincell.ml.models.cache import *  # noqa: F403
