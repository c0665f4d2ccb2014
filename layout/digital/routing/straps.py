"""Straps of met4 that join the supply rails of all rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from gaincell.layout.digital.placement.core import Core
from gaincell.layout.digital.routing.access import RAIL
from gaincell.layout.digital.routing.grid import FIRST_X, PITCH_X, VIAS, Box, Grid

SUPPLIES = ("VGND", "VPWR")
"""Rails, from the lowest upwards in turn."""
APART = 50_000
"""From a pair of straps to the next, at most, nm."""
HALF_STRAP = 600
PAD = (390, 190)
"""Half of the sides of the metal between a rail and a strap."""
CUTS = (160, 200, 200)
"""How far the two cuts of each via lie left and right of the middle."""


@dataclass(frozen=True)
class Straps:
    """Boxes by supply and layer, nm; cuts are named as in ``VIAS``."""

    shapes: tuple[tuple[str, str, Box], ...]

    def of(self, supply: str) -> list[tuple[str, Box]]:
        return [(layer, box) for name, layer, box in self.shapes if name == supply]


def make_straps(core: Core, width: int, height: int) -> Straps:
    """Pairs of straps across a core of that size, nm."""
    pairs = max(1, round(width / APART))
    row = round(1000 * core.row_um)
    shapes: list[tuple[str, str, Box]] = []
    for pair in range(pairs):
        middle = round((pair + 0.5) * width / pairs / (2 * PITCH_X)) * 2 * PITCH_X + FIRST_X
        for at, supply in enumerate(SUPPLIES):
            x = middle + 4 * at * PITCH_X
            strap = (x - HALF_STRAP, -RAIL, x + HALF_STRAP, height + RAIL)
            shapes.append((supply, "met4", strap))
            for rail in range(at, core.rows + 1, len(SUPPLIES)):
                shapes += ((supply, *each) for each in _stack(x, rail * row))
    return Straps(tuple(shapes))


def _stack(x: int, y: int) -> Iterator[tuple[str, Box]]:
    dx, dy = PAD
    for metal in ("met2", "met3"):
        yield metal, (x - dx, y - dy, x + dx, y + dy)
    for via, away in zip(VIAS, CUTS, strict=True):
        for middle in (x - away, x + away):
            yield via.name, (middle - via.cut, y - via.cut, middle + via.cut, y + via.cut)


def block_supplies(grid: Grid, core: Core, straps: Straps, width: int) -> None:
    """Keep wires away from rails and straps."""
    row = round(1000 * core.row_um)
    for rail in range(core.rows + 1):
        grid.block(0, (-RAIL, rail * row - RAIL, width + RAIL, rail * row + RAIL))
    layers = {"met2": 1, "met3": 2, "met4": 3}
    for _, layer, box in straps.shapes:
        if layer in layers:
            grid.block(layers[layer], box)
