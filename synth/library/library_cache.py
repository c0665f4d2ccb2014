"""Parsed libraries, kept as JSON in the cache: a large Liberty file is parsed once."""

import hashlib
import json
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gaincell.cache import cache_folder
from gaincell.files import replacing
from gaincell.synth.library.cells import Cell, Energy, Library, Pin, Table
from gaincell.versions import versions


def parsed_before(text: str, name: str) -> Library | None:
    """The library of a file with this ``text`` and ``name``; None: it is not kept, or damaged."""
    try:
        digest, _, body = _place(text, name).read_text(encoding="utf-8").partition("\n")
        if digest != _digest(body):
            return None
        return _library(json.loads(body), text)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def keep_parsed(library: Library, name: str) -> bool:
    """Keep ``library``, read from a file called ``name``; False: the cache cannot be written."""
    body = json.dumps(_record(replace(library, text="")))
    try:
        place = _place(library.text, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as unfinished:
            unfinished.write_text(f"{_digest(body)}\n{body}", encoding="utf-8")
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return False
    return True


def _place(text: str, name: str) -> Path:
    """The file in the cache: its name tells text, file name and everything that parses them."""
    key = _digest("\n".join([_parser(), name, _digest(text)]))[:24]
    return cache_folder() / f"liberty-{key}.json"


@cache
def _parser() -> str:
    """Digest of the modules that read a library, and the versions behind them."""
    sources = [
        path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))
    ]
    return _digest("\n".join([repr(versions("liberty-parser", "numpy")), *sources]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _record(value: Any) -> Any:
    """``value`` as JSON holds it: dataclasses as objects, arrays and tuples as lists."""
    if isinstance(value, Library | Cell | Pin | Energy | Table):
        return {part.name: _record(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: _record(item) for name, item in value.items()}
    return [_record(item) for item in value] if isinstance(value, tuple) else value


def _library(table: dict[str, Any], text: str) -> Library:
    cells = {name: _cell(cell) for name, cell in table["cells"].items()}
    unusable = tuple(table["unusable"])
    return Library(**table | {"cells": cells, "text": text, "unusable": unusable})


def _cell(table: dict[str, Any]) -> Cell:
    return Cell(
        **table
        | {
            "leakage_when": tuple((when, value) for when, value in table["leakage_when"]),
            "pins": {name: _pin(pin) for name, pin in table["pins"].items()},
            "states": tuple(table["states"]),
        }
    )


def _pin(table: dict[str, Any]) -> Pin:
    return Pin(**table | {"energies": tuple(_energy(each) for each in table["energies"])})


def _energy(table: dict[str, Any]) -> Energy:
    tables = tuple(
        Table(**{name: np.array(values, dtype=np.float64) for name, values in each.items()})
        for each in table["tables"]
    )
    return Energy(**table | {"tables": tables})
