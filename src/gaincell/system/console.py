"""The standard streams and signals of a command."""

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asks this process to end: all that it has started and laid down is cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number
        """Exit status, as a shell gives it."""


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise ``Ended`` in the block on the first SIGTERM or SIGHUP, unless it is ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = os.getpid()
    heard = [number for number in ENDING if signal.getsignal(number) == signal.SIG_DFL]

    def end(number: int, _: object) -> None:
        if os.getpid() != own:  # what this process has laid down is not a forked one's to clean up
            os._exit(128 + number)
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def signals_held() -> Iterator[None]:
    """Signals that come in the block are answered at its end: it is not left in the middle."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        heard = [n for n in (*ENDING, signal.SIGINT) if callable(signal.getsignal(n))]
        before = {n: signal.signal(n, lambda number, _: came.append(number)) for n in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)


class _Patient(io.FileIO):
    """A descriptor that takes all text, also when nobody reads it any more, as after ``head``."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            _discard(self.fileno())
            return len(data)


def prepare_streams() -> None:
    """Make print safe: closed streams, readers that have left, and odd names raise nothing."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        elif stream is getattr(sys, f"__{name}__"):
            stream = io.TextIOWrapper(
                io.BufferedWriter(_Patient(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
        setattr(sys, name, stream)


def discard_unwritable() -> None:
    """Send what stdout still holds nowhere if it cannot be written: Python would try again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            _discard(sys.stdout.fileno())


def _discard(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
