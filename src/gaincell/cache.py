"""The folder where compiled simulations and parsed libraries are kept for the next run."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of the environment variable GAINCELL_CACHE, else XDG_CACHE_HOME/gaincell."""
    if own := os.environ.get("GAINCELL_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gaincell"
