"""Parts of a head, and the rectangles of a floorplan that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

GAP = 6000
"""Room between blocks, nm."""
KEYS, VALUES, CONTROL = "cells of keys", "cells of values", "digital control"
SCORE, OUTPUT, DRIVERS = "score converters", "output converters", "word line drivers"
SELECTORS, LADDERS, REFERENCES = "DAC selectors", "DAC ladders", "references"
PARTS = KEYS, VALUES, SCORE, OUTPUT, DRIVERS, SELECTORS, LADDERS, REFERENCES, CONTROL
SUBCIRCUITS = {
    SCORE: "score_converter",
    OUTPUT: "output_converter",
    DRIVERS: "line_driver",
    SELECTORS: "write_select",
    LADDERS: "write_ladder",
    REFERENCES: "references",
}
"""Subcircuit of a design by part, for all that stands around the arrays."""


@dataclass(frozen=True)
class Copies:
    """How copies of a drawing lie in a block: row by row from its lower left corner.

    width, height : of a copy as it lies, nm
    turned : by 90 degrees
    columns : copies in a row; the last row may have fewer
    apart : distance of two copies, nm
    """

    width: int
    height: int
    turned: bool
    columns: int
    apart: int

    @property
    def um2(self) -> float:
        """Of one copy."""
        return self.width * self.height / 1e6

    def corner(self, at: int) -> tuple[int, int]:
        """Lower left corner of a copy from that of the block, nm."""
        row, column = divmod(at, self.columns)
        return column * (self.width + self.apart), row * (self.height + self.apart)


@dataclass(frozen=True)
class Block:
    """A rectangle of ``count`` of a part, nm; ``x``, ``y`` is its lower left corner.

    ``copies``: of the part's drawing; None: it is one drawing, or an outline.
    """

    part: str
    x: int
    y: int
    width: int
    height: int
    count: int
    copies: Copies | None = None

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def top(self) -> int:
        return self.y + self.height

    @property
    def um2(self) -> float:
        """What the part takes; room between copies is free."""
        if self.copies is not None:
            return self.count * self.copies.um2
        return self.width * self.height / 1e6

    @property
    def is_outline(self) -> bool:
        """Nothing is drawn in it."""
        return self.part in SUBCIRCUITS and self.copies is None

    def moved(self, x: int, y: int) -> Block:
        return replace(self, x=self.x + x, y=self.y + y)

    def each(self) -> Iterator[tuple[int, int, int, int]]:
        """Left, low, width and height of each drawing, or of the whole block, nm."""
        if self.copies is None:
            yield self.x, self.y, self.width, self.height
            return
        for at in range(self.count):
            x, y = self.copies.corner(at)
            yield self.x + x, self.y + y, self.copies.width, self.copies.height
