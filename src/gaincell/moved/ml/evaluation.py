"""Moved to ``gaincell.ml.evaluate.evaluation``."""

from gaincell.ml.evaluate.evaluation import *  # noqa: F403
