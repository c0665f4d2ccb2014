"""Moved to ``gaincell.ml.attention.quantisers``."""

from gaincell.ml.attention.quantisers import *  # noqa: F403
