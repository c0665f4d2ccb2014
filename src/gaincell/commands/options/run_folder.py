"""The output folder of a command that works in steps, each with a folder of its own in it."""

import shutil
from pathlib import Path

from gaincell.files import check_folder

FIRST_STEP = "1-verilog"


def check_run_folder(folder: Path) -> None:
    """Check that ``folder`` is new, empty or from an earlier run, and can be written to.

    Raises
    ------
    ValueError, Unable
        As ``check_folder``; or the folder holds something else.
    """
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FIRST_STEP).is_dir():
        raise ValueError(
            f"output {folder} holds files that are not from an earlier run: give a new folder"
        )


def empty_run_folder(folder: Path) -> None:
    """Make ``folder`` and remove what an earlier run left in it.

    Raises
    ------
    ValueError
        It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for step in folder.glob("[1-9]*-*"):
            if step.name.split("-")[0].isdigit():
                shutil.rmtree(step)
        (folder / FIRST_STEP).mkdir()
        (folder / FIRST_STEP).rmdir()
    except OSError as error:
        raise ValueError(f"output {folder} cannot be written: {error.strerror}") from error
