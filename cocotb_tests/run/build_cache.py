"""Fills the cache of compiled simulations: whole folders, built once."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaincell.cache import make_cache
from gaincell.cocotb_tests.run.simulators import PRECOMPILED
from gaincell.files import scratch_folder

SECONDS_NEWER = 3600
MAIN, MODEL = "verilator.o", "Vtop.h"
"""Object of cocotb's main program for Verilator, and the only generated header that it includes."""


@contextmanager
def compiled_folder(
    folder: Path, runtime: Path, sources: dict[str, str], headers: Path | None = None
) -> Iterator[Path]:
    """A temporary folder with ``sources`` to compile in, which then becomes ``folder``.

    Verilator's own objects are copied from the folder ``runtime``. If it does not exist, this build
    compiles them and fills it. So it is with the file ``headers``, to which ``PRECOMPILED`` leads.

    Raises
    ------
    Unable
        The cache cannot be written to.
    """
    make_cache()
    with _first_to_fill(runtime), _whole_folder(folder) as unfinished:
        for name, text in sources.items():
            (unfinished / name).write_text(text)
        _reuse_runtime(runtime, unfinished)
        precompiled = unfinished / PRECOMPILED
        if headers is not None and headers.exists():
            precompiled.symlink_to(headers)
        yield unfinished
        _keep_runtime(unfinished, runtime)
        if headers is not None and precompiled.exists() and not precompiled.is_symlink():
            precompiled.rename(headers)
        precompiled.unlink(missing_ok=True)


def drop_other_main(built: Path, runtime: Path) -> bool:
    """Remove the main program from ``built`` if its copy from ``runtime`` does not fit this model.

    It fits if the header of the model is the same text as when it was compiled.
    """
    kept, header = runtime / MODEL, built / MODEL
    if not kept.exists() or kept.read_text() == header.read_text():
        return False
    (built / MAIN).unlink()
    return True


@contextmanager
def _first_to_fill(runtime: Path) -> Iterator[None]:
    """While ``runtime`` is not there, one process builds at a time: the first one fills it."""
    if runtime.exists():
        yield
        return
    with runtime.with_suffix(".lock").open("w") as lock:
        with contextlib.suppress(OSError):  # of a file system without locks: both will fill it
            fcntl.flock(lock, fcntl.LOCK_EX)
        if runtime.exists():
            fcntl.flock(lock, fcntl.LOCK_UN)
        yield


def _keep_runtime(built: Path, runtime: Path) -> None:
    """Keep Verilator's own objects: most of a build's time, and the same for every head."""
    if runtime.exists():
        return
    with _whole_folder(runtime) as unfinished:
        for pattern in ("verilated*.o", MAIN, MODEL):
            for compiled in built.glob(pattern):
                shutil.copy(compiled, unfinished)


def _reuse_runtime(runtime: Path, folder: Path) -> None:
    """Put kept objects where the build looks for them, newer than the makefile it will write."""
    newer = time.time() + SECONDS_NEWER
    for compiled in runtime.glob("*.o"):
        copied = shutil.copy(compiled, folder)
        os.utime(copied, (newer, newer))


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder; it becomes ``folder`` if the block succeeds, else it is removed."""
    with scratch_folder("unfinished-", folder.parent) as scratch:
        # Others may read what becomes of it, as the umask says; a temporary folder is its owner's.
        unfinished = scratch / folder.name
        unfinished.mkdir()
        yield unfinished
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster with the same build
                raise
