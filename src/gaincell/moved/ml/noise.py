"""Moved to ``gaincell.ml.models.faults``."""

from gaincell.ml.models.faults import *  # noqa: F403
