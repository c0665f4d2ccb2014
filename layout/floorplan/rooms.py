"""Room for many of a part: copies of its drawing in rows, or an outline as large as an estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gaincell.layout.arrays.plan import GRID, on_grid
from gaincell.layout.floorplan.blocks import Block, Copies

WIDTHS = 24
"""Widths of an outline that are tried."""


@dataclass(frozen=True)
class Unit:
    """What one of a part takes.

    um2 : of its outline
    sides : width and height of its drawing, nm; None: it is not drawn
    apart : least distance of two drawings, nm
    """

    um2: float
    sides: tuple[int, int] | None = None
    apart: int = 0

    @property
    def height(self) -> int:
        """Of one, nm; an outline is a square."""
        return self.sides[1] if self.sides else on_grid(math.sqrt(self.um2) * 1e3)

    @property
    def narrowest(self) -> int:
        """Least width of a block, nm."""
        return min(self.sides) if self.sides else GRID

    def widths(self, count: int, most: int) -> list[int]:
        """Widths of a block that are worth a try, up to ``most``, nm.

        Those at which ``count`` drawings fit into fewer rows; an outline has any width.
        """
        if self.sides is None:
            return [on_grid(most * step / WIDTHS) for step in range(1, WIDTHS)]
        found = {
            columns * (copies.width + self.apart) - self.apart
            for copies in self._ways()
            for columns in range(1, count + 1)
        }
        return sorted(width for width in found if width <= most)

    def under(self, part: str, count: int, width: int) -> Block:
        """A block of the least height that is no wider, but for a drawing that is."""
        if self.sides is None:
            return Block(part, 0, 0, width, self._other_side(count, width), count)
        ways = [
            self._block(part, count, copies, self._fitting(copies.width, width))
            for copies in self._ways()
        ]
        return min(ways, key=lambda block: (max(block.width, width), block.height, block.width))

    def beside(self, part: str, count: int, height: int) -> Block:
        """A block of the least width that is no higher, but for a drawing that is."""
        if self.sides is None:
            return Block(part, 0, 0, self._other_side(count, height), height, count)
        ways = [
            self._block(part, count, copies, -(-count // self._fitting(copies.height, height)))
            for copies in self._ways()
        ]
        return min(ways, key=lambda block: (max(block.height, height), block.width, block.height))

    def most(self, width: int, height: int) -> int:
        """How many fit into a room."""
        if width <= 0 or height <= 0:
            return 0
        if self.sides is None:
            return int(width * height / 1e6 / self.um2)
        return max(
            (width + self.apart)
            // (copies.width + self.apart)
            * ((height + self.apart) // (copies.height + self.apart))
            for copies in self._ways()
        )

    def _ways(self) -> list[Copies]:
        """The drawing as it is, and turned."""
        assert self.sides is not None
        width, height = self.sides
        return [
            Copies(width, height, turned=False, columns=1, apart=self.apart),
            Copies(height, width, turned=True, columns=1, apart=self.apart),
        ]

    def _fitting(self, side: int, room: int) -> int:
        """Copies side by side in a room; at least one."""
        return max(1, (room + self.apart) // (side + self.apart))

    def _block(self, part: str, count: int, copies: Copies, columns: int) -> Block:
        columns = min(count, columns)
        rows = -(-count // columns)
        copies = replace(copies, columns=columns)
        width, height = (
            number * (side + self.apart) - self.apart
            for number, side in ((columns, copies.width), (rows, copies.height))
        )
        return Block(part, 0, 0, width, height, count, copies)

    def _other_side(self, count: int, side: int) -> int:
        """Of an outline, nm."""
        return max(on_grid(count * self.um2 * 1e6 / side), GRID)
