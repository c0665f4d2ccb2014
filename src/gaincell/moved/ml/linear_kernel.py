"""Moved to ``gaincell.ml.evaluate.linear_kernel``."""

from gaincell.ml.evaluate.linear_kernel import *  # noqa: F403
