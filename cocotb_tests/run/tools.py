"""Refusals that name a missing program, the step that needs it, and how to install it."""

import re
import shutil
from pathlib import Path

from gaincell.refusals import Unable


class MissingTool(Unable):
    """A program or header that a step needs is not installed."""


def require(program: str, purpose: str) -> None:
    """Raise MissingTool unless ``program``, which has its Debian package's name, is on the PATH."""
    if shutil.which(program) is None:
        raise MissingTool(
            f"{program} is not installed, but {purpose} needs it; "
            f"install your system's package (Debian, Ubuntu: apt-get install {program})"
        )


def require_plain(place: Path, program: str) -> None:
    """Raise MissingTool unless ``program`` can take the path of an installed package."""
    if re.search(r"[^\w./@%+=,-]", str(place)):
        raise MissingTool(
            f"{program} cannot take the path {place}; install gaincell in a folder whose path has "
            "only letters, digits and . _ - + = , @ %"
        )
