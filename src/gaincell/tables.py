"""Every table of a TOML or JSON file is a dataclass here whose fields carry their own rule.

A field is made by ``whole``, ``number``, ``choice`` and so on. All problems of a table are found
before any is reported, each in one sentence that says what the value is and what it must be.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from gaincell.refusals import foreign

Rule = Callable[[Any], tuple[bool, str] | None]
"""None for a value that is fine; else whether its type is wrong, and what it must be."""

T = TypeVar("T")
LARGEST_TOML, LARGEST_JSON = 1 << 20, 1 << 28
"""Bytes of a file."""
LONGEST = 100
"""Characters of a value in a message."""
MOST_SENTENCES = 5
"""Unknown keys that a message names."""
MOST_WHOLE = 1 << 53
"""Largest whole number that a double holds with all whole numbers below it."""
MOST_NUMBER = 1e30


@dataclass(frozen=True, kw_only=True)
class Table:
    """Base of a frozen dataclass whose fields were made by the functions below.

    Raises
    ------
    TypeError, ValueError
        Fields of a wrong type or value, all of them in one message, wrong types first; or else
        fields that do not fit together.
    """

    def __post_init__(self) -> None:
        types: list[str] = []
        values: list[str] = []
        for known in fields(self):
            value = getattr(self, known.name)
            if wrong := known.metadata["rule"](value):
                wrong_type, must_be = wrong
                sentence = f"{known.name} is {shown(value)}, but must be {must_be}"
                (types if wrong_type else values).append(sentence)
        if sentences := types + values:
            raise (TypeError if types else ValueError)("; ".join(sentences))
        if sentences := self.problems_together():
            raise ValueError("; ".join(sentences))

    def problems_together(self) -> list[str]:
        """Sentences on fields that do not fit together; each field is fine by itself."""
        return []


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Tables of a TOML file; ``what`` it is, for the message.

    Raises
    ------
    ValueError
        It cannot be read, is too large, or does not parse.
    """
    return parse_toml(_read(path, what, LARGEST_TOML), f"{what} {path}")


def read_json(path: Path, what: str) -> Any:
    """The value in a JSON file, which ``what`` names for the message.

    Raises
    ------
    ValueError
        It cannot be read, is too large, or does not parse.
    """
    raw = _read(path, what, LARGEST_JSON)
    with foreign(f"{what} {path} is not valid JSON"):
        return json.loads(raw.decode("utf-8-sig"))


def _read(path: Path, what: str, most: int) -> bytes:
    with foreign(f"{what} {path} cannot be read"), path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"{what} {path} has more than {most} bytes")
    return raw


def parse_toml(raw: bytes, name: str) -> dict[str, Any]:
    """Tables of TOML; ``name`` is for the message. A byte order mark before it is no part of it.

    Raises
    ------
    ValueError
        It does not parse.
    """
    with foreign(f"{name} is not valid TOML"):
        return tomllib.loads(raw.decode("utf-8-sig"))


def shown(value: object) -> str:
    """A value as a message quotes it: on one line, and not long."""
    if isinstance(value, str):
        text = f'"{value}"' if value.isprintable() else json.dumps(value)
    else:
        try:
            text = repr(value)
        except ValueError:  # Python writes no whole number of more than some thousand digits
            text = "a number of thousands of digits"
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}... ({len(text)} characters)"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.0) -> str:
    """End of a sentence on an unknown ``name``: the nearest known one, if any is near enough.

    ``cutoff`` is the least likeness, 0..1.
    """
    near = difflib.get_close_matches(name[:LONGEST], list(known), n=1, cutoff=cutoff)
    return f' (nearest known: "{near[0]}")' if near else ""


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Sentence on an unknown key that names the nearest known one."""
    return f"unknown key {shown(key)}{nearest(key, known)}"


def unknown_keys(keys: Iterable[str], known: Iterable[str]) -> list[str]:
    """Sentences on the unknown ones of ``keys``; of many, on the first."""
    known = tuple(known)
    unknown = [key for key in keys if key not in known]
    sentences = [unknown_key(key, known) for key in unknown[:MOST_SENTENCES]]
    if more := len(unknown) - len(sentences):
        sentences.append(f"{more} more unknown keys")
    return sentences


def build(kind: type[T], table: object, name: str) -> T:
    """The dataclass ``kind`` from the TOML table ``[name]``.

    Raises
    ------
    TypeError, ValueError
        No table, unknown keys, missing keys, wrong values: all problems in one message.
    """
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} is {shown(table)}, but must be a table [{name}]")
    known = {known.name: known for known in fields(kind)}  # type: ignore[arg-type]
    problems = unknown_keys(table, known)
    problems += [
        f"{key} is missing"
        for key, field_ in known.items()
        if key not in table and field_.default is MISSING
    ]
    if problems:
        raise ValueError("; ".join(f"[{name}] {problem}" for problem in problems))
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        sentences = str(error).split("; ")
        raise type(error)("; ".join(f"[{name}] {sentence}" for sentence in sentences)) from error


def is_number(value: object) -> bool:
    """Whether ``value`` is an int or a float; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked(default: Any, rule: Rule) -> Any:
    """Field with a rule of its own."""
    return field(default=default, metadata={"rule": rule})


def whole(
    default: Any = MISSING,
    *,
    low: int,
    high: int | None = None,
    most: int = MOST_WHOLE,
    none: bool = False,
) -> Any:
    """Field of a whole number from ``low`` on, up to ``high``; or None, if ``none``.

    Without ``high``, ``most`` keeps off what no machine can hold; only its own refusal names it.
    """
    bounds = f"at least {low}" if high is None else f"{low}..{high}"

    def rule(value: Any) -> tuple[bool, str] | None:
        if none and value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            return True, f"a whole number, {bounds}"
        if high is None and value > most:
            return False, f"at most {most}"
        return None if low <= value and (high is None or value <= high) else (False, bounds)

    return checked(default, rule)


def number(
    default: Any = MISSING,
    *,
    above: float = -math.inf,
    low: float = -math.inf,
    high: float = math.inf,
    most: float = MOST_NUMBER,
    unit: str = "",
    none: bool = False,
) -> Any:
    """Field of a finite number over ``above``, from ``low`` on and up to ``high``.

    Its magnitude is at most ``most`` and, unless it is 0, at least 1/``MOST_NUMBER``: no product of
    a few such numbers overflows. ``unit`` is for the message; ``none`` allows None, too.
    """
    limits = [("above", above), ("at least", low), ("at most", high)]
    bounds = " and ".join(f"{word} {limit:g}" for word, limit in limits if math.isfinite(limit))
    in_unit = f" ({unit})" if unit else ""

    def rule(value: Any) -> tuple[bool, str] | None:
        if none and value is None:
            return None
        if not is_number(value):
            return True, " ".join(filter(None, ["a number", bounds])) + in_unit
        finite = isinstance(value, int) or math.isfinite(value)
        if value > above and low <= value <= high and finite:
            if value == 0 or 1 / MOST_NUMBER <= abs(value) <= most:
                return None
            return False, f"of a magnitude in {1 / MOST_NUMBER:g}..{most:g}{in_unit}"
        unbounded = high == math.inf and not finite
        return False, " and ".join(filter(None, ["finite" * unbounded, bounds])) + in_unit

    return checked(default, rule)


def choice(default: str, options: tuple[str, ...]) -> Any:
    """Field of one of some strings."""
    names = " or ".join(f'"{option}"' for option in options)

    def rule(value: Any) -> tuple[bool, str] | None:
        if not isinstance(value, str):
            return True, names
        return None if value in options else (False, names)

    return checked(default, rule)


def flag(default: bool) -> Any:
    """Field of true or false."""
    return checked(
        default, lambda value: None if isinstance(value, bool) else (True, "true or false")
    )


def string(default: Any = MISSING) -> Any:
    """Field of a string that is not empty; or None, if that is the default."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if value is None and default is None:
            return None
        if not isinstance(value, str):
            return True, "a string"
        return None if value else (False, "a string that is not empty")

    return checked(default, rule)


def pair(default: tuple[float, float], *, below: float) -> Any:
    """Field of two numbers from 0 on and under ``below``."""
    bounds = f"two numbers, at least 0 and below {below:g}"

    def rule(value: Any) -> tuple[bool, str] | None:
        if not isinstance(value, tuple) or len(value) != 2 or not all(map(is_number, value)):
            return True, bounds
        return None if all(0 <= number < below for number in value) else (False, bounds)

    return checked(default, rule)
