"""TOML tables as dataclasses: every problem found at once, each in one sentence."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, field, fields
from pathlib import Path
from typing import Any, TypeVar

from gaincell.config_checks import Problems, is_number

Rule = Callable[[Any], tuple[bool, str] | None]
"""None for a value that is fine; else whether its type is wrong, and what it must be."""

T = TypeVar("T")


class Table:
    """Base of a frozen dataclass whose fields were made by ``whole``, ``number`` and so on.

    Raises
    ------
    TypeError, ValueError
        Fields of a wrong type or value, all of them in one message.
    """

    def __post_init__(self) -> None:
        problems = Problems()
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            found = each.metadata["rule"](value)
            if found is not None:
                shown = f'"{value}"' if isinstance(value, str) else repr(value)
                wrong_type, wanted = found
                listed = problems.types if wrong_type else problems.values
                listed.append(f"{each.name} is {shown}, but must be {wanted}")
        problems.raise_any()


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Tables of a TOML file; ``what`` it is, for the message.

    Raises
    ------
    ValueError
        It cannot be read, or does not parse.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{what} {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{what} {path} is not valid TOML: {error}") from error


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Sentence on an unknown key that names the nearest known one."""
    nearest = difflib.get_close_matches(key, list(known), n=1, cutoff=0)[0]
    return f'unknown key "{key}" (nearest known: "{nearest}")'


def build(kind: type[T], table: object, name: str) -> T:
    """The dataclass ``kind`` from the TOML table ``[name]``.

    Raises
    ------
    TypeError, ValueError
        No table, unknown keys, missing keys, wrong values: all that is found, in one message.
    """
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} is {table!r}, but must be a table [{name}]")
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    found = [unknown_key(key, known) for key in table if key not in known]
    found += [
        f"{key} is missing"
        for key, each in known.items()
        if key not in table and each.default is MISSING
    ]
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    if found:
        raise ValueError("; ".join(f"[{name}] {each}" for each in found))
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        sentences = str(error).split("; ")
        raise type(error)("; ".join(f"[{name}] {each}" for each in sentences)) from error


def whole(default: Any = MISSING, *, low: int, none: bool = False) -> Any:
    """Field of a whole number from ``low`` on; or None, if ``none``."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if none and value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            return True, f"a whole number, at least {low}"
        return None if value >= low else (False, f"at least {low}")

    return field(default=default, metadata={"rule": rule})


def number(
    default: Any = MISSING,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float = math.inf,
    none: bool = False,
) -> Any:
    """Field of a finite number over ``above``, or from ``low`` on, up to ``high``."""
    wanted = f"above {above:g}" if above is not None else f"at least {low:g}"
    wanted += "" if high == math.inf else f" and at most {high:g}"

    def rule(value: Any) -> tuple[bool, str] | None:
        if none and value is None:
            return None
        if not is_number(value):
            return True, f"a number {wanted}"
        enough = value > above if above is not None else value >= (low or 0.0)
        return None if enough and value <= high and math.isfinite(value) else (False, wanted)

    return field(default=default, metadata={"rule": rule})


def choice(default: str, options: tuple[str, ...]) -> Any:
    """Field of one of some strings."""
    wanted = " or ".join(f'"{option}"' for option in options)

    def rule(value: Any) -> tuple[bool, str] | None:
        return None if value in options else (not isinstance(value, str), wanted)

    return field(default=default, metadata={"rule": rule})


def flag(default: bool) -> Any:
    """Field of true or false."""
    return field(
        default=default,
        metadata={
            "rule": lambda value: None if isinstance(value, bool) else (True, "true or false")
        },
    )


def string(default: Any = MISSING) -> Any:
    """Field of a string that is not empty; or None, if that is the default."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if value is None and default is None:
            return None
        if not isinstance(value, str):
            return True, "a string"
        return None if value else (False, "a string that is not empty")

    return field(default=default, metadata={"rule": rule})


def pair(default: tuple[float, float], *, below: float) -> Any:
    """Field of two numbers from 0 on and under ``below``."""
    wanted = f"two numbers, at least 0 and below {below:g}"

    def rule(value: Any) -> tuple[bool, str] | None:
        if not isinstance(value, tuple) or len(value) != 2 or not all(map(is_number, value)):
            return True, wanted
        return None if all(0 <= each < below for each in value) else (False, wanted)

    return field(default=default, metadata={"rule": rule})
