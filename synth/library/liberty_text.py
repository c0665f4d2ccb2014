"""The text of a Liberty file as a tree of groups, and a tree as text that every tool reads.

Tools disagree about what Liberty may look like. The parser takes what any of them takes: comments
anywhere, a backslash or nothing before a new line, names with or without quotes, values in
brackets, statements without a semicolon. The text that it gives back has one form only.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<space>[^\S\n]+|\\[^\S\n]*\n|/\*.*?\*/|//[^\n]*)
    |(?P<line>\n)
    |(?P<string>"[^"]*")
    |(?P<mark>[{}();:,])
    |(?P<word>(?:[^\s{}();:,"\\/]|/(?![*/])|\\(?!\s*\n))+)""",
    re.DOTALL | re.VERBOSE,
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ROWS = re.compile(r"values|index_\d")
"""Attributes whose values are rows of numbers."""


@dataclass(slots=True)
class Attribute:
    """``name : value ;``, or ``name (values) ;`` if it is complex; values have no quotes."""

    name: str
    values: list[str]
    complex: bool = False


@dataclass(slots=True)
class Group:
    """``kind (args) { items }``, and the line where it begins."""

    kind: str
    args: list[str]
    line: int = field(default=0, compare=False)
    items: "list[Attribute | Group]" = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first argument, "" without one."""
        return self.args[0] if self.args else ""

    def groups(self, *kinds: str) -> "Iterator[Group]":
        """The groups of these kinds inside, in their order."""
        return (item for item in self.items if isinstance(item, Group) and item.kind in kinds)

    def attributes(self, name: str) -> Iterator[Attribute]:
        """All attributes of this name."""
        return (item for item in self.items if isinstance(item, Attribute) and item.name == name)

    def text(self, name: str, default: str = "") -> str:
        """The value of an attribute; several values with a comma between them."""
        for item in self.attributes(name):
            return ",".join(item.values).strip()
        return default

    def true(self, name: str) -> bool:
        """Whether a Boolean attribute is there and true."""
        return self.text(name).lower() == "true"

    def number(self, name: str) -> float | None:
        """The value of an attribute; None if there is none, or "" in its place.

        Raises
        ------
        ValueError
            It is no number.
        """
        text = self.text(name)
        if text and not is_number(text):
            raise ValueError(f'{name} is "{text}", but must be a number')
        return float(text) if text else None

    def rows(self, name: str) -> list[list[float]]:
        """The rows of numbers of an attribute; [] if there is none.

        Raises
        ------
        ValueError
            One is no number.
        """
        for item in self.attributes(name):
            words = [row.replace(",", " ").split() for row in item.values]
            wrong = next((word for row in words for word in row if not is_number(word)), "")
            if wrong:
                raise ValueError(f'{name} has "{wrong}", but must have numbers')
            return [[float(word) for word in row] for row in words if row]
        return []


def is_number(text: str) -> bool:
    """Whether ``text`` is a finite number."""
    return NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def parse(text: str, include: Callable[[str], str] | None = None) -> list[Group]:
    """The groups of ``text``; ``include`` gives the text of a file that ``include_file`` names.

    Raises
    ------
    ValueError
        ``text`` is no Liberty; the message has the line.
    """
    return _Parser(text, include).root.items  # type: ignore[return-value]


class _Parser:
    """Takes the tokens of one text, statement by statement, and keeps the open groups."""

    def __init__(self, text: str, include: Callable[[str], str] | None) -> None:
        self._text, self._place, self._line = text, 0, 1
        self._include = include
        self.root = Group("", [])
        self._open = [self.root]
        while self._statement():
            pass

    def _fail(self, what: str) -> ValueError:
        return ValueError(f"line {self._line}: {what}")

    def _next(self, lines: bool = False) -> tuple[str, str]:
        """Kind and text of the next token; ``lines``: a new line is one, too."""
        while self._place < len(self._text):
            match = TOKEN.match(self._text, self._place)
            if match is None:
                what = {'"': "a string has no end", "/": "a comment has no end"}
                sign = self._text[self._place]
                raise self._fail(what.get(sign, f'"{sign}" is out of place'))
            kind, token = str(match.lastgroup), match[0]
            self._place = match.end()
            if kind in ("space", "line", "string"):
                self._line += token.count("\n")
            if kind not in ("space", "line") or (lines and kind == "line"):
                return kind, token
        return "end", ""

    def _statement(self) -> bool:
        """Read one statement, or the end of a group; False at the end of the text."""
        kind, token = self._next()
        if token == ";":
            return True
        if token == "}":
            if len(self._open) == 1:
                raise self._fail('a "}" has no "{"')
            self._open.pop()
            return True
        if kind == "end":
            if len(self._open) > 1:
                group = self._open[-1]
                raise self._fail(
                    f"the text ends inside of {group.kind} ({group.name}) of line {group.line}"
                )
            return False
        if kind not in ("word", "string"):
            raise self._fail(f'"{token}" is out of place')
        self._after(token.strip('"').lower())
        return True

    def _after(self, name: str) -> None:
        """What follows the name of a statement."""
        line = self._line
        _, token = self._next()
        if token == ":":
            self._open[-1].items.append(Attribute(name, [self._value()]))
            return
        args: list[str] = []
        if token == "(":
            args = self._arguments()
            place, here = self._place, self._line
            _, token = self._next()
            if token != "{":
                self._place, self._line = place, here
                self._complex(name, args)
                return
        if token != "{":
            raise self._fail(f'"{name}" is followed by "{token}", but must be by ":" or "("')
        group = Group(name, args, line)
        self._open[-1].items.append(group)
        self._open.append(group)

    def _complex(self, name: str, args: list[str]) -> None:
        if name == "include_file" and self._include is not None:
            self._open[-1].items += parse(self._include(args[0] if args else ""), self._include)
        else:
            self._open[-1].items.append(Attribute(name, args, complex=True))

    def _value(self) -> str:
        """The value of a simple attribute: up to a semicolon, a bracket, or the line's end."""
        found: list[str] = []
        while True:
            place, here = self._place, self._line
            kind, token = self._next(lines=True)
            if token == "}" or kind == "end":
                self._place, self._line = place, here
                break
            if token == ";" or (kind == "line" and found):
                break
            if kind != "line":
                found.append(_joined(token))
        value = " ".join(found)
        bare = value[1:-1] if value.startswith("(") and value.endswith(")") else value
        return bare.strip() if re.fullmatch(r"[\w.\s]*", bare) else value

    def _arguments(self) -> list[str]:
        """What is in brackets: parts between commas, or beside each other."""
        parts: list[str] = []
        glued, depth = False, 0
        while True:
            kind, token = self._next()
            if kind == "end" or token in "{}":
                raise self._fail('a "(" has no ")"')
            depth += (token == "(") - (token == ")")
            if depth < 0:
                return parts
            if kind == "mark":
                glued = token not in ",;"
                if glued and parts:
                    parts[-1] += token
                continue
            if glued and parts:
                parts[-1] += _joined(token)
            else:
                parts.append(_joined(token))
            glued = False


def _joined(token: str) -> str:
    """A token without quotes, and a string of several lines as one."""
    if not token.startswith('"'):
        return token
    return " ".join(re.sub(r"\\\s*\n", " ", token[1:-1]).split())


def write(group: Group, indent: int = 0) -> str:
    """``group`` as Liberty text."""
    lines: list[str] = []
    _write(group, "  " * indent, lines)
    return "\n".join([*lines, ""])


def _write(group: Group, margin: str, lines: list[str]) -> None:
    lines.append(f"{margin}{group.kind} ({', '.join(map(_quoted, group.args))}) {{")
    inner = margin + "  "
    for item in group.items:
        if isinstance(item, Group):
            _write(item, inner, lines)
        elif ROWS.fullmatch(item.name):
            rows = ", ".join(f'"{row}"' for row in item.values)
            lines.append(f"{inner}{item.name} ({rows});")
        elif item.complex:
            lines.append(f"{inner}{item.name} ({', '.join(map(_quoted, item.values))});")
        else:
            lines.append(f"{inner}{item.name} : {_quoted(item.values[0])};")
    lines.append(f"{margin}}}")


def _quoted(value: str) -> str:
    return value if NUMBER.fullmatch(value) else f'"{value}"'
