"""Write files and folders whole or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaincell.refusals import Unable

UNFINISHED = ".unfinished-"
"""Start of the name of a file or folder that is still being written."""
WRONG_PLACE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
"""Errors that another path avoids. Other ones are the machine's, such as a full disk."""
BLOCK = 4096
"""Bytes that a check writes: a full disk takes names, but no data."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` if the block succeeds, and vanishes if not.

    It has the suffix of ``path`` and lies beside it.

    Raises
    ------
    OSError
        The folder of ``path`` does not exist or cannot be written to, or its disk is full; the
        error names ``path``.
    """
    unfinished = None
    try:
        handle, name = tempfile.mkstemp(prefix=UNFINISHED, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        unfinished = Path(name)
        yield unfinished
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        unfinished.replace(path)
    except OSError as error:
        if unfinished is None or error.filename in (None, str(unfinished)):
            raise _at(path, error) from error
        raise
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


@contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder that vanishes after the block; in ``parent``, else among temporary files.

    Raises
    ------
    OSError
        It cannot be made, or its disk is full; the error names a path.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        except OSError as error:
            if error.filename is None:
                raise _at(Path(name), error) from error
            raise


def _at(path: Path, error: OSError) -> OSError:
    """``error`` with the name of the path that it is about; a write of data knows none."""
    return OSError(error.errno, error.strerror or str(error), str(path))


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` if the block succeeds, and vanishes if not.

    It lies beside ``path``, which must not exist. Everything is on the disk before the folder gets
    its name: even a loss of power leaves no half-written folder of that name.

    Raises
    ------
    OSError
        The folder that ``path`` is in does not exist or cannot be written to, or ``path`` exists.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parent))
    try:
        yield unfinished
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o777 & ~umask)
        for path_inside in (*unfinished.rglob("*"), unfinished):
            _sync(path_inside)
        unfinished.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder. It loses its name first: a half-removed folder is never taken for whole."""
    doomed = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parent))
    path.rename(doomed / path.name)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files and folders that a killed process left in ``folder``."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder for results unless it is there.

    Raises
    ------
    ValueError
        It cannot be made at this path.
    Unable
        The disk is full or broken.
    """
    check_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(path, error) from error


def check_folder(path: Path) -> None:
    """Check that files can be written to a folder at ``path``, or to one made there.

    Nothing is left behind.

    Raises
    ------
    ValueError
        ``path`` is no folder, or it, or the folder that it would be made in, cannot be written to.
    Unable
        Its disk is full or broken.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(f"output {path} is a file, but must be a folder")
    _try_folder(path, next(each for each in (path, *path.parents) if each.exists()))


def check_new_folder(path: Path, *, may_be_empty: bool = False) -> None:
    """Check that a folder can come to be at ``path``, or that an empty one is there, if it may.

    Raises
    ------
    ValueError
        Something is there, or there is no folder for it that can be written to.
    Unable
        Its disk is full or broken.
    """
    empty = may_be_empty and path.is_dir() and not any(path.iterdir())
    if path.exists() and not empty:
        raise ValueError(f"output {path} exists already: name a new folder")
    if not path.parent.is_dir():
        raise ValueError(f"output {path} cannot be written: there is no folder {path.parent}")
    _try_folder(path, path.parent)


def check_writable(path: Path) -> None:
    """Check that a file can be written at ``path``; leave nothing behind.

    Raises
    ------
    ValueError
        ``path`` is no file, or the folder that it is in is missing or cannot be written to.
    Unable
        Its disk is full or broken.
    """
    if path.is_dir():
        raise ValueError(f"output {path} is a folder, but must be a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"output {path} is a device or a pipe, but must be a file")
    _try_folder(path, path.parent)


def _try_folder(path: Path, folder: Path) -> None:
    """Write some bytes to ``folder``, for ``path``, and take them away."""
    try:
        with tempfile.TemporaryFile(prefix=UNFINISHED, dir=folder) as file:
            file.write(bytes(BLOCK))
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> ValueError | Unable:
    """What a user reads of an output that cannot be written."""
    sentence = f"output {path} cannot be written: {error.strerror}"
    return ValueError(sentence) if error.errno in WRONG_PLACE else Unable(sentence)
