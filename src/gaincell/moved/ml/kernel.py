"""Moved to ``gaincell.ml.attention.forward``."""

from gaincell.ml.attention.forward import *  # noqa: F403
