"""Moved to ``gaincell.ml.start.moments``."""

from gaincell.ml.start.moments import *  # noqa: F403
