"""Moved to ``gaincell.ml.start.ranges``."""

from gaincell.ml.start.ranges import *  # noqa: F403
