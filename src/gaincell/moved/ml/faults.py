"""Moved to ``gaincell.ml.attention.faulty_arrays``."""

from gaincell.ml.attention.faulty_arrays import *  # noqa: F403
