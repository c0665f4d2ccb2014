"""Draws chains of resistors as strips of poly beside the transistors, with a tap for every net.

A strip is poly from end to end. Its bodies lie in a layer of their own; between two of them is a
tap, with a column of contacts. So the current flows in poly alone, and meets contacts only at the
ends. Resistance counts from the middle of a tap to that of the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gaincell.layout.arrays.cell import Pen
from gaincell.layout.arrays.plan import Span, around
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import Circuit, Resistor
from gaincell.layout.rows.plan import COLUMN
from gaincell.layout.rows.wires import wire

WIDTH = 4000
"""Of a strip, nm."""
ENDS = 3
"""Columns of contacts at each end."""
MARGIN = 600
"""From the part's outline to a strip above and below, and to its right, nm."""
BEFORE = 1000
"""Between the transistors' rows and a strip, and between two strips, nm."""


@dataclass(frozen=True)
class Chain:
    """Resistors in a row, Ohm, and their nets from end to end: one more than resistors."""

    nets: tuple[str, ...]
    ohms: tuple[float, ...]


def chains(resistors: Sequence[Resistor]) -> list[Chain]:
    """All chains of a part.

    Raises
    ------
    ValueError
        Resistors branch, or close a ring.
    """
    at: dict[str, list[Resistor]] = defaultdict(list)
    for each in resistors:
        for net in (each.first, each.second):
            at[net].append(each)
    for net, joined in at.items():
        if len(joined) > 2:
            raise ValueError(f"{len(joined)} resistors meet at {net}, but only chains are drawn")
    found, left = [], list(resistors)
    for begin in [net for net, joined in at.items() if len(joined) == 1]:
        nets, ohms = [begin], []
        while joined := [each for each in at[nets[-1]] if each in left]:
            left.remove(joined[0])
            ohms.append(joined[0].ohms)
            nets.append(joined[0].first if joined[0].second == nets[-1] else joined[0].second)
        if ohms:
            found.append(Chain(tuple(nets), tuple(ohms)))
    if left:
        raise ValueError(f"resistors at {left[0].first} close a ring, but only chains are drawn")
    return found


def contacts(process: Process) -> int:
    """Contacts of a column across a strip."""
    room = WIDTH - 2 * process.nm("licon.8a") + process.nm("licon.2")
    return room // (process.nm("licon.1") + process.nm("licon.2"))


def tap(process: Process) -> int:
    """Poly of a tap along a strip, nm."""
    return process.nm("licon.1") + 2 * process.nm("licon.8a")


def tap_ohm(process: Process) -> float:
    """Poly of a tap."""
    return process.sheets["poly"] * tap(process) / WIDTH


def end_ohm(process: Process) -> float:
    """Contacts of an end."""
    return process.poly_contact_ohm / (ENDS * contacts(process))


def bodies(chain: Chain, process: Process) -> list[int]:
    """Lengths of a strip's bodies, nm.

    Raises
    ------
    ValueError
        A resistance is too small for a strip of this width.
    """
    lengths = []
    for place, ohms in enumerate(chain.ohms):
        ends = (place == 0) + (place == len(chain.ohms) - 1)
        own = ohms - tap_ohm(process) - ends * end_ohm(process)
        steps = round(own / process.sheets["poly"] * WIDTH / process.grid_nm)
        lengths.append(steps * process.grid_nm)
        if lengths[-1] < process.nm("poly.3"):
            raise ValueError(f"a resistor of {ohms:g} Ohm is too small to be drawn in poly")
    return lengths


def draw_resistors(
    pen: Pen, circuit: Circuit, lines: Mapping[str, Span], left: int
) -> tuple[list[tuple[str, int]], int]:
    """Draw all strips from ``left`` on.

    Returns the nets, and where each is reached from its line; and the right side of a part with
    them, nm.
    """
    process: Process = pen.process
    reached: list[tuple[str, int]] = []
    strip = Span(MARGIN, MARGIN + WIDTH)
    x = left
    for chain in chains(circuit.resistors):
        x += BEFORE
        begin = x
        lengths = [*bodies(chain, process), 0]
        for place, (net, length) in enumerate(zip(chain.nets, lengths, strict=True)):
            columns = ENDS if place in (0, len(chain.nets) - 1) else 1
            for column in range(columns):
                middle = x + tap(process) // 2 + column * COLUMN
                _column(pen, middle, strip, lines[net])
                reached.append((net, middle))
            end = x + tap(process) + (columns - 1) * COLUMN
            beyond = process.nm("licon.15") - process.nm("licon.8a")
            pen.box("npc", Span(x, end), strip, beyond, beyond)
            x = end
            if length:
                pen.box("poly_res", Span(x, x + length), strip)
            x += length
        pen.box("poly", Span(begin, x), strip)
    return reached, x + MARGIN if reached else left


def _column(pen: Pen, middle: int, strip: Span, line: Span) -> None:
    """Contacts across a strip, and a wire from the nearest of them to a net's line."""
    nm, cut = pen.process.nm, pen.process.nm("licon.1")
    column, pitch = around(middle, cut), cut + nm("licon.2")
    low = strip.low + nm("licon.8a")
    places = [Span(low + at * pitch, low + at * pitch + cut) for at in range(contacts(pen.process))]
    for place in places:
        pen.contact("poly", column, place)
    pen.box("li", column, Span(places[0].low, places[-1].high))
    nearest = min(places, key=lambda place: abs(place.middle - line.middle))
    wire(pen, middle, nearest, line)
