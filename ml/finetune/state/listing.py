"""Which checkpoints a folder holds, and what the run had recorded at each; needs no torch."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.refusals import Failed

STAGES = ("linear", "nonlinear")
STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is whole: its folder, and the stage and step that it holds."""

    path: Path
    stage: str
    step: int

    def state(self) -> dict[str, Any]:
        """The JSON state that ``checkpoints.write`` was given.

        Raises
        ------
        Failed
            The file cannot be read.
        """
        try:
            state: dict[str, Any] = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.damaged(error) from error
        return state

    def damaged(self, error: Exception) -> Failed:
        """The exception that says that a file of the checkpoint cannot be read."""
        return Failed(
            f"checkpoint {self.path} is damaged: {error}; remove it to go on from the one before"
        )


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """Whole checkpoints in ``folder``, the oldest first; half-written ones are left out."""
    whole = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = re.fullmatch(rf"({'|'.join(STAGES)})-(\d+)", path.name)
        if match is not None and path.is_dir():
            whole.append(Checkpoint(path, match[1], int(match[2])))
    return sorted(whole, key=lambda one: (STAGES.index(one.stage), one.step))
