"""Faults of the arrays on a command line: --faults."""

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path

from gaincell.behavioral.faults import Faults

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
    table: dict[str, object] = {}
    if "=" not in text:
        table = _read(Path(text))
    else:
        for part in text.split(","):
            key, equals, value = (each.strip() for each in part.partition("="))
            if not equals or key in table:
                why = "is given twice" if equals else "has no value"
                raise ValueError(f"--faults is {text}, in which {key!r} {why}")
            try:
                table[key] = float(value)
            except ValueError:
                raise ValueError(f"--faults sets {key} to {value!r}, which is no number") from None
    for key in table:
        if key not in FIELDS:
            nearest = difflib.get_close_matches(key, FIELDS, n=1, cutoff=0)[0]
            raise ValueError(f'--faults has the unknown key "{key}" (nearest known: "{nearest}")')
    try:
        return Faults(**table)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise type(error)(f"--faults: {error}") from error


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"--faults is {path}, neither key=value,... nor a file that can be read: "
            f"{error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"--faults {path} is not valid TOML: {error}") from error
