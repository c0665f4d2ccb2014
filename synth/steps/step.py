"""What every step of the flow shares: what it hands on, and files of an earlier step."""

import os
from pathlib import Path
from typing import Any


class Outputs:
    """Base of the dataclass that a step's ``run`` returns.

    Each field is an input of later steps or a field of ``Metrics``, by its name, or is part of
    the step's report.
    """

    def report(self) -> dict[str, Any]:
        """The content of metrics.json in the step's own folder."""
        return {}


def link(folder: Path, *files: Path) -> None:
    """Put relative links to ``files`` of another step into ``folder``."""
    for file in files:
        (folder / file.name).symlink_to(os.path.relpath(file, folder))
