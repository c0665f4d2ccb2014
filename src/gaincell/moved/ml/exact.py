"""Moved to ``gaincell.ml.attention.exact``."""

from gaincell.ml.attention.exact import *  # noqa: F403
