"""Moved to ``gaincell.ml.models.codes``."""

from gaincell.ml.models.codes import *  # noqa: F403
