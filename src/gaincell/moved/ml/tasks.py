"""Moved to ``gaincell.ml.evaluate.tasks``."""

from gaincell.ml.evaluate.task_names import TASKS  # noqa: F401
from gaincell.ml.evaluate.tasks import *  # noqa: F403
