"""KLayout's classes, asked for where they are needed: it is an extra."""

from __future__ import annotations

from functools import cache
from typing import Any


class KlayoutMissing(Exception):
    """KLayout is not installed."""


@cache
def db() -> Any:
    """The module ``klayout.db``.

    Raises
    ------
    KlayoutMissing
        It is not installed.
    """
    try:
        import klayout.db
    except ImportError as error:
        raise KlayoutMissing("layout needs klayout: pip install 'gaincell[layout]'") from error
    return klayout.db
