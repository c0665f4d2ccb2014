"""Faults of the arrays on a command line: --faults."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from gaincell.behavioral.faults import Faults
from gaincell.tables import nearest, read_toml

FIELDS = tuple(field.name for field in fields(Faults))


def faults_of(text: str | None) -> Faults | None:
    """Faults from ``key=value,...`` or a TOML file's path; None: no faults.

    Raises
    ------
    ValueError
        A key is unknown or given twice, a value is no number or out of its range, or the file
        cannot be read.
    TypeError
        The file holds a value that is no number.
    """
    if text is None:
        return None
    table = _pairs(text) if "=" in text else _file(Path(text))
    for key in table:
        if key not in FIELDS:
            raise ValueError(f'--faults has the unknown key "{key}"{nearest(key, FIELDS)}')
    try:
        return Faults(**table)
    except (TypeError, ValueError) as error:
        raise type(error)(f"--faults: {error}") from error


def _pairs(text: str) -> dict[str, Any]:
    """Keys and numbers of ``key=value,...``."""
    table: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or key in table:
            why = "is given twice" if equals else "has no value"
            raise ValueError(f"--faults is {text}, in which {key!r} {why}")
        try:
            table[key] = float(value)
        except ValueError:
            raise ValueError(f"--faults sets {key} to {value!r}, which is no number") from None
    return table


def _file(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ValueError(f"--faults is {path}, neither key=value,... nor a file that can be read")
    return read_toml(path, "--faults")
