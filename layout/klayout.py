"""KLayout's classes, asked for where they are needed: it is an extra."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from gaincell.refusals import Unable


@cache
def db() -> Any:
    """The module ``klayout.db``.

    Raises
    ------
    Unable
        It is not installed.
    """
    try:
        import klayout.db
    except ImportError as error:
        raise Unable("layout needs klayout: pip install 'gaincell[layout]'") from error
    return klayout.db


def save(layout: Any, file: Path) -> None:
    """Write a layout as GDS: the same bytes for the same shapes."""
    options = db().SaveLayoutOptions()
    options.gds2_write_timestamps = False
    options.format = "GDS2"
    layout.write(str(file), options)
