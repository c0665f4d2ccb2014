"""Data files shipped with the package, described in README.md beside them."""

import json
from importlib.resources import files
from typing import Any


def shipped(name: str) -> Any:
    """What a JSON file of this folder holds; None: this version has no such file."""
    found = files("gaincell.data").joinpath(name)
    return json.loads(found.read_text(encoding="utf-8")) if found.is_file() else None
