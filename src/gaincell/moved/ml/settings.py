"""Moved to ``gaincell.ml.models.settings``."""

from gaincell.ml.models.settings import *  # noqa: F403
