"""Boolean functions as Liberty writes them: ``!A``, ``A'``, ``A & B``, ``A * B``, ``A B``.

Inversion binds first, then XOR, then AND, then OR (Liberty Reference Manual, "function"). Other
tools put XOR after AND, so they get functions with brackets: ``Expression.explicit``.
"""

import re
from collections.abc import Mapping
from functools import cache

TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w\[\]]*|[01])|([!'&*|+^()]))")

Node = tuple[str, ...] | tuple[str, "Node"] | tuple[str, "Node", "Node"]


class Expression:
    """A parsed function of pins.

    Raises
    ------
    ValueError
        ``text`` is no Boolean function.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = _tokens(text)
        self._root = self._sum()
        if self._tokens:
            raise ValueError(f'function "{text}" has a surplus "{self._tokens[0]}"')
        self.pins = tuple(sorted(_names(self._root)))

    def value(self, pins: Mapping[str, int]) -> int:
        """0 or 1 for pins that are 0 or 1."""
        return round(_probability(self._root, pins))

    def truth(self, pins: tuple[str, ...]) -> tuple[int, ...]:
        """Values for all combinations of ``pins``, the first one in the lowest bit of the index."""
        return tuple(
            self.value({pin: index >> place & 1 for place, pin in enumerate(pins)})
            for index in range(1 << len(pins))
        )

    def probability(self, pins: Mapping[str, float]) -> float:
        """Probability of a 1 where pins are 1 with these probabilities, taken as independent."""
        return _probability(self._root, pins)

    def verilog(self, names: Mapping[str, str] | None = None) -> str:
        """The function in Verilog; ``names`` replaces pins."""
        return _verilog(self._root, names or {})

    def explicit(self) -> str:
        """The function as Liberty text with brackets around every operation of two pins."""
        return self.verilog().replace("~", "!").replace("1'b", "")

    def _sum(self) -> Node:
        node = self._product()
        while self._tokens and self._tokens[0] in "|+":
            self._tokens.pop(0)
            node = ("|", node, self._product())
        return node

    def _product(self) -> Node:
        node = self._exclusive()
        while self._tokens and self._tokens[0] not in "|+)":
            if self._tokens[0] in "&*":
                self._tokens.pop(0)
            node = ("&", node, self._exclusive())
        return node

    def _exclusive(self) -> Node:
        node = self._factor()
        while self._tokens and self._tokens[0] == "^":
            self._tokens.pop(0)
            node = ("^", node, self._factor())
        return node

    def _factor(self) -> Node:
        if not self._tokens:
            raise ValueError(f'function "{self.text}" ends too early')
        token = self._tokens.pop(0)
        node: Node
        if token == "!":
            node = ("!", self._factor())
        elif token == "(":
            node = self._sum()
            if not self._tokens or self._tokens.pop(0) != ")":
                raise ValueError(f'function "{self.text}" lacks a closing bracket')
        elif token in "'&*|+^)":
            raise ValueError(f'function "{self.text}" has a misplaced "{token}"')
        else:
            node = ("pin", token)
        while self._tokens and self._tokens[0] == "'":
            self._tokens.pop(0)
            node = ("!", node)
        return node


@cache
def expression(text: str) -> Expression:
    """``Expression(text)``, parsed once."""
    return Expression(text)


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    stripped = text.strip()
    while place < len(stripped):
        match = TOKEN.match(stripped, place)
        if match is None:
            raise ValueError(f'function "{text}" has a misplaced "{stripped[place]}"')
        tokens.append(match[1] or match[2])
        place = match.end()
    return tokens


def _names(node: Node) -> set[str]:
    if node[0] == "pin":
        return set() if node[1] in ("0", "1") else {str(node[1])}
    return set().union(*(_names(part) for part in node[1:] if isinstance(part, tuple)))


def _probability(node: Node, pins: Mapping[str, float]) -> float:
    operator, *parts = node
    if operator == "pin":
        name = str(parts[0])
        return float(name) if name in ("0", "1") else pins[name]
    values = [_probability(part, pins) for part in parts if isinstance(part, tuple)]
    if operator == "!":
        return 1 - values[0]
    left, right = values
    if operator == "&":
        return left * right
    if operator == "|":
        return left + right - left * right
    return left + right - 2 * left * right


def _verilog(node: Node, names: Mapping[str, str]) -> str:
    operator, *parts = node
    if operator == "pin":
        name = str(parts[0])
        return f"1'b{name}" if name in ("0", "1") else names.get(name, name)
    texts = [_verilog(part, names) for part in parts if isinstance(part, tuple)]
    return f"~{texts[0]}" if operator == "!" else f"({texts[0]} {operator} {texts[1]})"
