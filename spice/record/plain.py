"""Units and lists of a record."""

from typing import Any

FC = 1e15
"""fC of a C."""


def listed(values: Any) -> list[float]:
    """Numbers as JSON takes them."""
    return [float(value) for value in values]
