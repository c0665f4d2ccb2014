"""Moved to ``gaincell.ml.start.matching``."""

from gaincell.ml.start.matching import *  # noqa: F403
