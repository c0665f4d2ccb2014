"""Moved to ``gaincell.ml.evaluate.tasks``."""

from gaincell.ml.evaluate.tasks import *  # noqa: F403
