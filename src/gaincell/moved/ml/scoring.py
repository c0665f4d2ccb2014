"""Moved to ``gaincell.ml.evaluate.scoring``."""

from gaincell.ml.evaluate.scoring import *  # noqa: F403
