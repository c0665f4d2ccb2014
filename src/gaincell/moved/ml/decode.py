"""Moved to ``gaincell.ml.attention.ring_cache``."""

from gaincell.ml.attention.ring_cache import *  # noqa: F403
