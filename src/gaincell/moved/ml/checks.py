"""Moved to ``gaincell.ml.attention.checks``."""

from gaincell.ml.attention.checks import *  # noqa: F403
