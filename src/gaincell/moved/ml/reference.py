"""Moved to ``gaincell.ml.attention.authors``."""

from gaincell.ml.attention.authors import *  # noqa: F403
