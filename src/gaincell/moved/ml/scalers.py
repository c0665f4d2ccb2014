"""Moved to ``gaincell.ml.models.scalers``."""

from gaincell.ml.models.scalers import *  # noqa: F403
