"""Moved to ``gaincell.ml.generate.served_heads``."""

from gaincell.ml.generate.served_heads import *  # noqa: F403
