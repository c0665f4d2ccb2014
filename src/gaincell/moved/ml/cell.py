"""Moved to ``gaincell.ml.attention.numbers``."""

from gaincell.ml.attention.numbers import *  # noqa: F403
