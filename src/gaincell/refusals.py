"""How a command ends that does not end well: one sentence, and an exit status.

Status 2 says that the input, or a missing tool, kept the command from starting, and nothing was
written; status 1 that what was tried failed.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """A command cannot start with what it was given; the message is one sentence for the user."""


class Failed(Exception):
    """What a command tried went wrong; the message is one sentence for the user."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn TypeError and ValueError of the block, which checks input, into ``Refused``."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the error's type if it has no message."""
    said = str(error).strip().partition("\n")[0]
    return said or type(error).__name__
