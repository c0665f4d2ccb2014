"""The folder where compiled simulations, decoded models and points of sweeps are kept.

The name of whatever is kept is a hash of all that it depends on: ``cached``.
"""

import hashlib
import os
from pathlib import Path

from gaincell.refusals import Unable

VARIABLE = "GAINCELL_CACHE"


def cache_folder() -> Path:
    """The folder of the environment variable GAINCELL_CACHE, else XDG_CACHE_HOME/gaincell.

    Neither is set: ~/.cache/gaincell. It may not exist.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    if own := os.environ.get(VARIABLE):
        return Path(own).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification of XDG_CACHE_HOME has programs ignore a relative path.
    return (base if base.is_absolute() else Path.home() / ".cache") / "gaincell"


def place_in_cache(name: str) -> Path:
    """The place of a file or folder that must be kept; it may not be there yet.

    Raises
    ------
    Unable
        The user has no home.
    """
    try:
        return cache_folder() / name
    except RuntimeError as error:
        raise Unable(
            f"compiled simulations need a folder, but the user has no home; {_remedy()}"
        ) from error


def cached(kind: str, *recipe: object) -> Path:
    """The place in the cache for the results of ``recipe``; it may not be there yet.

    Parameters
    ----------
    kind : begin of the name, such as "verilator" or "sweep/activity"
    recipe : whose ``repr`` tells apart all that the results depend on
    """
    return place_in_cache(f"{kind}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:24]}")


def make_cache() -> None:
    """Make the folder unless it is there.

    Raises
    ------
    Unable
        It cannot be made or written to.
    """
    folder = place_in_cache("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise Unable(
            f"{folder}, the folder for compiled simulations, cannot be written to: {reason}; "
            f"{_remedy()}"
        )


def _remedy() -> str:
    return f"set {VARIABLE} to a folder that can be written to"
