"""Tells a hub that cannot be reached from one that has not what is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

from gaincell.refusals import Unable


@contextmanager
def reaching(fault: str) -> Iterator[None]:
    """Raise Unable, ``fault`` and the reason, if the block fails as no hub answers."""
    try:
        yield
    except Exception as error:
        if _is_unreachable(error):
            raise Unable(f"{fault}: it is not on this machine, and no hub answers") from error
        raise


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is of a network that is not there or is off."""
    while error is not None:
        if isinstance(error, (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError)):
            return True
        error = error.__cause__ or error.__context__
    return False
