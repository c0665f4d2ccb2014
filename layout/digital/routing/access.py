"""Where wires may reach a cell's pins: contacts to its own metal, li1, below tracks of met1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gaincell.layout.digital.routing.grid import (
    CONTACT,
    FIRST_X,
    FIRST_Y,
    HALF,
    PITCH_X,
    PITCH_Y,
    SPACE,
    VIAS,
    Box,
    Grid,
)
from gaincell.layout.digital.routing.negotiate import Access
from gaincell.layout.digital.technology import Technology
from gaincell.layout.klayout import db

LI, MCON, MET1 = (67, 20), (67, 44), (68, 20)
CONTACT_SPACE = 190
GRID_NM = 5
RAIL = 240
"""Half of the width of a row's supply rails, nm."""
LOOSE = 15
"""How far a contact may lie beside its point before its pad claims the point there, too, nm."""


@dataclass(frozen=True)
class Spot:
    """Column and line of a point at which a pin can be reached, in the cell.

    contact_x : where the contact lies, nm; None: the cell has met1 of the pin there
    """

    column: int
    line: int
    contact_x: int | None


@dataclass(frozen=True)
class CellMetal:
    """Spots of each pin of a cell, and the met1 inside it but for its rails, nm."""

    width: int
    height: int
    spots: dict[str, tuple[Spot, ...]]
    met1: tuple[Box, ...]


def cell_metal(technology: Technology, name: str) -> CellMetal:
    """What routing needs of a cell, from its GDS and the places of its pins in its LEF."""
    kdb = db()
    layout = kdb.Layout()
    layout.read(str(technology.file(name, "gds")))
    cell = layout.cell(name)
    li, mcon, met1 = (
        kdb.Region(cell.begin_shapes_rec(layout.layer(*layer))).merged()
        for layer in (LI, MCON, MET1)
    )
    body = technology.cell(name)
    width, height = round(body.width_um * 1000), round(body.height_um * 1000)
    rails = kdb.Region([kdb.Box(0, y - RAIL, width, y + RAIL) for y in (0, height)])
    inner = met1 - rails
    free = inner.sized(CONTACT.above[0] + SPACE[0] - 1, CONTACT.above[1] + SPACE[0] - 1, 2)
    free += mcon.sized(CONTACT.cut + CONTACT_SPACE - 1)
    spots = {}
    for pin, boxes in body.boxes.items():
        touched = kdb.Region([kdb.Box(*box) for box in boxes])
        own_li = li.interacting(touched)
        spots[pin] = _contacts(own_li.sized(1 - CONTACT.cut) - free, width, height)
        own = inner.interacting(mcon & own_li)
        if not own.is_empty():
            spots[pin] += _on_metal(own, inner - own, width, height)
    metal = tuple(_box(each.bbox()) for each in inner.decompose_trapezoids_to_region().each())
    return CellMetal(width, height, spots, metal)


def _contacts(legal: Any, width: int, height: int) -> tuple[Spot, ...]:
    """Points within reach of where a contact may lie; ``legal`` is 1 nm too wide on all sides."""
    kdb = db()
    found: dict[tuple[int, int], Spot] = {}
    for column, line, x, y in _points(width, height):
        track = kdb.Edges([kdb.Edge(x - PITCH_X // 2, y, x + PITCH_X // 2, y)])
        for edge in (track & legal).each():
            first = -(-(min(edge.x1, edge.x2) + 1) // GRID_NM) * GRID_NM
            last = (max(edge.x1, edge.x2) - 1) // GRID_NM * GRID_NM
            contact = min(max(first, x), last)
            old = found.get((column, line))
            if first <= last and (old is None or abs(contact - x) < abs((old.contact_x or 0) - x)):
                found[column, line] = Spot(column, line, contact)
    return tuple(found.values())


def _on_metal(own: Any, others: Any, width: int, height: int) -> tuple[Spot, ...]:
    """Points on a pin's own met1 where a via's pad is clear of all other met1 of the cell."""
    kdb = db()
    found = []
    dx, dy = VIAS[0].below
    for column, line, x, y in _points(width, height):
        wire = kdb.Region(kdb.Box(x - HALF[0], y - HALF[0], x + HALF[0], y + HALF[0]))
        pad = kdb.Region(kdb.Box(x - dx, y - dy, x + dx, y + dy))
        clear = (pad.sized(SPACE[0] - 1) & others).is_empty()
        if clear and (wire - own).is_empty() and (own + pad).space_check(SPACE[0]).is_empty():
            found.append(Spot(column, line, None))
    return tuple(found)


def _points(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Column, line, x and y of the points of a cell that no rail lies on."""
    for line in range(1, (height - FIRST_Y) // PITCH_Y):
        for column in range(width // PITCH_X):
            yield column, line, FIRST_X + column * PITCH_X, FIRST_Y + line * PITCH_Y


def accesses(
    grid: Grid, metal: CellMetal, pin: str, corner: tuple[int, int], flipped: bool
) -> list[Access]:
    """The accesses of a pin of a placed cell, those first that claim least."""
    found = []
    i0, j0 = grid.near(corner[0] + FIRST_X, corner[1] + FIRST_Y)
    last = (metal.height - 2 * FIRST_Y) // PITCH_Y
    for spot in metal.spots[pin]:
        line = last - spot.line if flipped else spot.line
        point = grid.point(0, i0 + spot.column, j0 + line)
        if spot.contact_x is None:
            above = point + grid.plane
            if not grid.blocked[above]:
                claims = {above, *grid.step(point, above)}
                found.append(Access(above, tuple(sorted(claims)), via=True))
            continue
        contact = corner[0] + spot.contact_x
        away = contact - grid.at(point)[0]
        points = [point]
        if abs(away) > LOOSE:
            points.append(point + (1 if away > 0 else -1))
        if not any(grid.blocked[each] for each in points):
            claims = {*points, *(gap for each in points for gap in grid.pad(each))}
            found.append(Access(point, tuple(sorted(claims)), contact))
    return sorted(found, key=lambda access: (len(access.claims), access.point))


def block_cell(grid: Grid, metal: CellMetal, corner: tuple[int, int], flipped: bool) -> None:
    """Keep wires away from the met1 inside a placed cell."""
    x, y = corner
    for left, low, right, high in metal.met1:
        if flipped:
            low, high = metal.height - high, metal.height - low
        grid.block(0, (x + left, y + low, x + right, y + high))


def _box(box: Any) -> Box:
    return box.left, box.bottom, box.right, box.top
