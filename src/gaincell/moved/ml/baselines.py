"""Moved to ``gaincell.ml.evaluate.baselines``."""

from gaincell.ml.evaluate.baselines import *  # noqa: F403
