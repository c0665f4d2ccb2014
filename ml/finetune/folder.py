"""The folder of a run: whether it fits the run file, what it holds, and how it is made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from gaincell.files import new_folder, remove_unfinished
from gaincell.ml.finetune.run_file import RunFile, differences, load_run_file
from gaincell.ml.finetune.state.listing import Checkpoint, checkpoints_in
from gaincell.refusals import Unable, foreign

if TYPE_CHECKING:
    from gaincell.ml.finetune.preparation import Start

RUN_FILE = "run.toml"
IDENTITY = "start.json"
METRICS = "metrics.json"
MODEL = "model"


def check_folder(settings: RunFile) -> Checkpoint | None:
    """The newest checkpoint in the run's folder; None if there is none yet.

    Raises
    ------
    ValueError
        The folder holds something else, or a run of another run file.
    """
    folder = Path(settings.run.folder)
    if not folder.exists():
        return None
    if not (folder / RUN_FILE).is_file():
        raise ValueError(f"[run] folder {folder} exists, but holds no run: name a new one")
    changed = differences(settings, load_run_file(folder / RUN_FILE))
    if changed:
        raise ValueError(
            f"the run in {folder} was begun with another run file: {', '.join(changed)}; change "
            "it back, or name a new [run] folder"
        )
    there = checkpoints_in(folder / "checkpoints")
    return there[-1] if there else None


def is_finished(settings: RunFile) -> bool:
    """Whether the run's folder has its model."""
    return (Path(settings.run.folder) / MODEL).is_dir()


def check_identity(settings: RunFile, start: Start) -> None:
    """Check that a run goes on under the conditions that it began with; set its thread count.

    Raises
    ------
    ValueError
        The number of processes, the head or the data is another one.
    """
    path = Path(settings.run.folder) / IDENTITY
    if not path.is_file():
        return
    with foreign(f"{path} is damaged: name a new [run] folder"):
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    for name, value in start.identity().items():
        if name != "threads" and before.get(name) != value:
            raise ValueError(
                f"the run in {settings.run.folder} was begun with other {name}: {value} now, "
                f"{before.get(name)} then; name a new [run] folder"
            )
    # Imported here: the rest of this module needs no torch.
    import torch

    # Sums are split among threads: another number of them gives other last bits.
    torch.set_num_threads(before["threads"])


def make_folder(settings: RunFile, start: Start, run_file: Path) -> None:
    """Make the run's folder if it is not there, and clean it if it is."""
    folder = Path(settings.run.folder)
    try:
        if folder.exists():
            for each in (folder, folder / "checkpoints"):
                remove_unfinished(each)
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(folder) as whole:
            shutil.copyfile(run_file, whole / RUN_FILE)
            (whole / IDENTITY).write_text(json.dumps(start.identity()), encoding="utf-8")
    except OSError as error:
        raise Unable(f"the run's folder {folder} cannot be made: {error}") from error
