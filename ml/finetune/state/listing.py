"""Which checkpoints a folder holds, and what the run had recorded at each; needs no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.refusals import Refused, foreign

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
        Refused
            The file cannot be read.
        """
        with self.reading():
            state: dict[str, Any] = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        return state

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise Refused if a file of the checkpoint cannot be read in the block."""
        try:
            with foreign(f"checkpoint {self.path} is damaged"):
                yield
        except ValueError as error:
            raise Refused(f"{error}; remove it to go on from the one before") from error


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """Whole checkpoints in ``folder``, the oldest first; half-written ones are left out."""
    whole = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = re.fullmatch(rf"({'|'.join(STAGES)})-(\d+)", path.name)
        if match is not None and path.is_dir():
            whole.append(Checkpoint(path, match[1], int(match[2])))
    return sorted(whole, key=lambda one: (STAGES.index(one.stage), one.step))
