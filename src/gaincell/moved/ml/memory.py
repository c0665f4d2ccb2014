"""Moved to ``gaincell.ml.process.memory``."""

from gaincell.ml.process.memory import *  # noqa: F403
