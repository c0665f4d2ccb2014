"""Draws capacitors over a part: a plate of its own layer between metal 3 and metal 4.

From left to right: metal 3, which is the lower plate, down to its net's line; the upper plate; and
a pad of metal 3 through which metal 4 comes down to the other net's line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gaincell.layout.arrays.cell import Pen
from gaincell.layout.arrays.plan import Span, around, on_grid
from gaincell.layout.rows.devices import Capacitor, Circuit
from gaincell.spice.area import CAPACITOR_F_PER_UM2

NARROWEST = 2000
"""Least width of an upper plate, nm."""
MARGIN = 500
"""From the part's outline to an upper plate above and below, nm."""
PLATE = 700
"""From the left edge of the lower plate to the upper plate, nm."""
BEYOND = 200
"""Lower plate beyond the upper one, and metal 4 beyond a via, nm."""
PAD, TO_PAD = 600, 1400
"""Side of a pad of metal 3, and its distance from the upper plate, nm."""
NEXT = 800
VIA, VIA_PITCH = 200, 1000
NM2_PER_UM2 = 1e6


def sides(capacitor: Capacitor, height: int) -> tuple[int, int]:
    """Width and height of the upper plate under a part's ``height``, nm."""
    nm2 = capacitor.farads / CAPACITOR_F_PER_UM2 * NM2_PER_UM2
    high = on_grid(min(height - 2 * MARGIN, nm2 / NARROWEST))
    return round(nm2 / high / 5) * 5, high


def extent(capacitors: Sequence[Capacitor], height: int) -> int:
    """Width of all capacitors side by side, nm."""
    return sum(sides(each, height)[0] + PLATE + TO_PAD + PAD + NEXT for each in capacitors) + NEXT


def draw_capacitors(
    pen: Pen, circuit: Circuit, lines: Mapping[str, Span], height: int
) -> list[tuple[str, int]]:
    """Draw all from left to right: first those at inner nets that keep a charge.

    So the lines of these are short. Then come the large ones, which keep them and the others apart.
    Returns the nets, and where each is reached from its line.
    """
    held = set(circuit.held) - set(circuit.ports)
    x, reached = NEXT, []
    for each in sorted(
        circuit.capacitors, key=lambda own: (held.isdisjoint((own.upper, own.lower)), -own.farads)
    ):
        width, high = sides(each, height)
        upper_x = Span(x + PLATE, x + PLATE + width)
        upper_y = Span(MARGIN, MARGIN + high)
        below, above = lines[each.lower], lines[each.upper]
        pen.box("m3", Span(x, upper_x.high + BEYOND), _over(upper_y, below, BEYOND))
        pen.box("capm", upper_x, upper_y)
        down = x + PLATE // 2 - 100
        _via(pen, "via2", down, below.middle)
        right = upper_x.high - BEYOND - VIA // 2
        for step in range(max(1, (high - 2 * BEYOND - VIA) // VIA_PITCH + 1)):
            _via(pen, "via3", right, upper_y.low + BEYOND + VIA // 2 + step * VIA_PITCH)
        pad = Span(upper_x.high + TO_PAD, upper_x.high + TO_PAD + PAD)
        pen.box("m3", pad, around(above.middle, PAD))
        for layer in ("via2", "via3"):
            _via(pen, layer, pad.middle, above.middle)
        pen.box("m4", Span(right - BEYOND - VIA // 2, pad.high), upper_y)
        pen.box("m4", pad, _over(upper_y, above, 0))
        reached += [(each.lower, down), (each.upper, pad.middle)]
        x = pad.high + NEXT
    return reached


def _over(plate: Span, line: Span, room: int) -> Span:
    """What covers a plate with this room, and a pad on a line."""
    end = around(line.middle, PAD)
    return Span(min(plate.low - room, end.low), max(plate.high + room, end.high))


def _via(pen: Pen, layer: str, x: int, y: int) -> None:
    pen.box(layer, around(x, VIA), around(y, VIA))
