"""Moved to ``gaincell.ml.attention.parts``."""

from gaincell.ml.attention.parts import *  # noqa: F403
