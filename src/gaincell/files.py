"""Files written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` if the block succeeds, and vanishes if not.

    It has the suffix of ``path`` and lies beside it.

    Raises
    ------
    OSError
        The folder of ``path`` does not exist or cannot be written to.
    """
    handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise ValueError unless a file can be written at ``path``; leave nothing behind."""
    if path.is_dir():
        raise ValueError(f"output {path} is a folder, but must be a file")
    try:
        handle, name = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    except OSError as error:
        raise ValueError(f"output {path} cannot be written: {error.strerror}") from error
    os.close(handle)
    os.unlink(name)
