"""Moved to ``gaincell.ml.evaluate.perplexity``."""

from gaincell.ml.evaluate.perplexity import *  # noqa: F403
