"""Moved to ``gaincell.ml.models.chosen_heads``."""

from gaincell.ml.models.chosen_heads import *  # noqa: F403
