"""Moved to ``gaincell.ml.process.quiet``."""

from gaincell.ml.process.quiet import *  # noqa: F403
