"""A model with its tokenizer into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from gaincell.files import new_folder
from gaincell.refusals import Unable, first_line


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Model and tokenizer into a new folder, whole or not at all.

    Raises
    ------
    Unable
        They cannot be written.
    """
    with writing(f"the model cannot be written to {folder}"), new_folder(folder) as whole:
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)


@contextmanager
def writing(fault: str, kept: Callable[[], str] | None = None) -> Iterator[None]:
    """Raise Unable, ``fault`` and the reason, if the block cannot write its files.

    ``kept`` then says what is there.

    safetensors does not raise OSError for a full disk, but an error of its own.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        there = f"{kept()}: " if kept is not None else ""
        mend = f"{there}make room and run the same command again"
        raise Unable(f"{fault}: {first_line(error)}; {mend}") from error
