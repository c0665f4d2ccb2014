"""Refusals that name a missing program, the step that needs it, and how to install it."""

import shutil

from gaincell.refusals import Refused


class MissingTool(Refused):
    """A program or header that a step needs is not installed."""


def require(program: str, purpose: str) -> None:
    """Raise MissingTool unless ``program``, which has its Debian package's name, is on the PATH."""
    if shutil.which(program) is None:
        raise MissingTool(
            f"{program} is not installed, but {purpose} needs it; "
            f"install your system's package (Debian, Ubuntu: apt-get install {program})"
        )
