"""Exceptions with which a command ends early: one sentence for the user, and an exit status.

Status 2: wrong input or a missing tool kept the command from starting; nothing was written.
Status 1: the command ran, and its work failed.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """A command cannot start with what it was given; the message is one sentence for the user."""


class Failed(Exception):
    """A command ran and failed; the message is one sentence for the user."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a TypeError or ValueError of the block into ``Refused``: the block checks input."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the error's type if it has no message."""
    said = str(error).strip().partition("\n")[0]
    return said or type(error).__name__
