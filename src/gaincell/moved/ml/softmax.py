"""Moved to ``gaincell.ml.attention.softmax``."""

from gaincell.ml.attention.softmax import *  # noqa: F403
