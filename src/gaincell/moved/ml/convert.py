"""Moved to ``gaincell.ml.models.convert``."""

from gaincell.ml.models.convert import *  # noqa: F403
