"""Evaluates expressions over named numbers, alone or in the braces of a sentence."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from gaincell.tables import nearest

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "exp": math.exp,
    "floor": math.floor,
    "ln": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
BRACES = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
DIGITS = 4
"""Significant digits of a number for which no format is given."""
PLAIN = (1e-3, 1e9)
"""Smallest magnitude without an exponent, and the smallest that has one again."""


def evaluate(expression: str, names: Mapping[str, float]) -> float | bool:
    """The value of ``expression``: + - * / **, one comparison, ``FUNCTIONS``, and ``names``.

    Raises
    ------
    ValueError
        It does not parse, has an unknown name or another construct, or has no finite value.
    """
    try:
        value: float | bool = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except SyntaxError as error:
        raise ValueError(f'"{expression}" is no expression: {error.msg}') from error
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f'"{expression}" has no value: {error}') from error
    except ValueError as error:
        raise ValueError(f'"{expression}": {error}') from error
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError(f'"{expression}" has no finite value')
    return value


def fill(sentence: str, names: Mapping[str, float]) -> str:
    """``sentence`` with each {expression} or {expression:format} replaced by its value.

    Raises
    ------
    ValueError
        As ``evaluate``; an unknown format, or a brace without its other.
    """

    def filled(match: re.Match[str]) -> str:
        expression, layout = match.groups()
        value = evaluate(expression, names)
        try:
            return shown(value) if layout is None else format(value, layout)
        except ValueError as error:
            raise ValueError(f'"{match[0]}": {error}') from error

    if re.search(r"[{}]", BRACES.sub("", sentence)):
        raise ValueError(f'"{sentence}" has a brace without its other')
    return BRACES.sub(filled, sentence)


def shown(value: float) -> str:
    """A number with ``DIGITS`` significant digits, thousands apart: 0.0127, 65, 90 000, 1.6e-4."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{DIGITS - 1}e}")
    magnitude = abs(rounded)
    if not PLAIN[0] <= magnitude < PLAIN[1]:
        mantissa, exponent = f"{rounded:.{DIGITS - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    if magnitude >= 10**DIGITS:
        return f"{rounded:,.0f}".replace(",", " ")
    return f"{rounded:.{DIGITS}g}"


def _value(node: ast.expr, names: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            if name not in names:
                raise ValueError(f'unknown name "{name}"{nearest(name, names)}')
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATORS:
            return OPERATORS[type(operation)](_value(left, names), _value(right, names))
        case ast.Compare(left=left, ops=[operation], comparators=[right]) if (
            type(operation) in OPERATORS
        ):
            return OPERATORS[type(operation)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(each, names) for each in arguments))
    raise ValueError(f"{ast.unparse(node)} is none of + - * / **, a comparison, a number, a name")
