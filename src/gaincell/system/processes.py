"""Run other programs. None of them outlives the command that started it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gaincell.refusals import Unable
from gaincell.system.console import signals_held
from gaincell.system.environment import environment

GUARD = 'read -r _; kill -9 "-$1"'
"""Waits for the end of its input, which only the process that started it holds open."""
SAYS_WHY = re.compile(r"\b(error|fatal|cannot|failed|failure|killed|no space|denied)\b", re.I)
SAYS_NOTHING = re.compile(r"^make\b|Exiting due to|^\s*\^|Error \d+$|warning", re.I)
SECONDS_BETWEEN_LOOKS = 1.0
BLOCK = 4096
"""Bytes of a full disk that may seem to be free."""
LONGEST = 240
"""Characters of a line that a message quotes."""


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs beside the block; ``options`` as for ``Popen``.

    Programs that it starts belong to its group. What still runs at the end of the block is killed,
    and so it is when this process is killed in the block. An interrupt of the terminal reaches this
    process alone.

    Raises
    ------
    Unable
        The program cannot be started.
    """
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = guard = None
    try:
        with signals_held():
            process = _started(command, **options)
            words = ["/bin/sh", "-c", GUARD, "guard", str(process.pid)]
            guard = _started(words, stdin=subprocess.PIPE, **quiet)
        yield process
    finally:
        with signals_held():
            if process is not None:
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if guard is not None:
                guard.kill()
                guard.communicate()


def _started(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, start_new_session=True, **options)
    except OSError as error:
        raise Unable(f"{command[0]} cannot be started: {error.strerror}") from error


def run(
    command: Sequence[str],
    folder: Path,
    log: Path,
    changes: Mapping[str, str] | None = None,
) -> int:
    """Run a program in ``folder``, with all that it says in ``log``; return its exit status.

    ``changes`` are of its environment, which is ``environment()``. The status of a program that a
    signal ended is minus that signal.

    Raises
    ------
    Unable
        The program cannot be started, or there is no room left in ``folder``.
    """
    with (
        log.open("wb") as stream,
        child(
            command,
            cwd=folder,
            env=environment(**(changes or {})),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        status = None
        while status is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(SECONDS_BETWEEN_LOOKS)
            _check_room(folder)
    return status


def _check_room(folder: Path) -> None:
    """Programs that find no room wait for ever, or end as if they had written everything."""
    disk = shutil.disk_usage(folder)
    if disk.total and disk.free < BLOCK:
        raise Unable(f"{folder}: No space left on device")


def reason(log: Path, status: int) -> str:
    """The line of a failed program's log that says why it failed, else how it ended."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and "Traceback (most recent call last):" in lines:
        return lines[-1][:LONGEST]
    for line in lines:
        if SAYS_WHY.search(line) and not SAYS_NOTHING.search(line):
            return line[:LONGEST]
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return lines[-1][:LONGEST] if lines else f"it ended with status {status} and said nothing"
