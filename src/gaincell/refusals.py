"""How a command ends early: one sentence for the user, and an exit status.

Three exceptions carry such a sentence. Any other exception is a fault of gaincell and keeps its
traceback. What others made, files, models, tools, is read inside ``foreign``: whatever its reader
raises becomes a sentence there, so that no list of exceptions can be too narrow.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gaincell.system.console import Ended

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object lies in memory, as Python's own texts say it."""


class Refused(Exception):
    """Status 2: the input is wrong; the message says how, in one sentence."""

    status = 2


class Failed(Exception):
    """Status 1: the command ran, and what it checked is wrong; the message is one sentence."""

    status = 1


class Unable(Exception):
    """Status 3: the environment hinders it: a tool, a disk, a network; the message is one sentence.

    The same command with the same input can succeed elsewhere.
    """

    status = 3


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a TypeError or ValueError of the block into ``Refused``: the block checks input."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error


@contextmanager
def foreign(fault: str) -> Iterator[None]:
    """Raise ValueError, ``fault`` and the reason, for whatever the block raises.

    The block holds nothing but a reader of what others made, and no code of ours that can be wrong.
    ``fault`` is a clause such as "head.npz is no file of tokens". Exceptions of this module,
    signals and MemoryError pass.
    """
    try:
        yield
    except (Refused, Failed, Unable, MemoryError, KeyboardInterrupt, GeneratorExit, Ended):
        raise
    except BaseException as error:  # libraries in Rust panic with one, and some call sys.exit
        raise ValueError(f"{fault}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the error's type if it has no message."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):
        return f'"{error.args[0]}" is missing' if error.args else "a key is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    said = str(error).strip().partition("\n")[0]
    return ADDRESS.sub("", said) or type(error).__name__
