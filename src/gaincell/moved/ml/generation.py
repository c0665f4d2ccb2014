"""Moved to ``gaincell.ml.generate.generation``."""

from gaincell.ml.generate.generation import *  # noqa: F403
