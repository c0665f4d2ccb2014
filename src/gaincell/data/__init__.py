"""Data files shipped with the package, described in README.md beside them."""

import json
from importlib.resources import files
from typing import Any


def shipped(name: str) -> Any:
    """Content of a JSON file of this folder; None: this version has no such file."""
    file = files("gaincell.data").joinpath(name)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
