"""Lines of a part's nets: the track of each, and from where to where it goes.

Lines side by side couple. So bit lines, and nets that keep a comparator's trip point, lie between
supplies and voltages that are steady. Then come the inner nets: their lines end at their last
terminals, several share a track, and they lie beside the transistors. Ports cross the part above.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gaincell.layout.arrays.plan import Span
from gaincell.layout.rows.devices import SUPPLIES, Circuit
from gaincell.layout.rows.plan import RowsPlan

BEYOND = 200
"""What a line goes beyond the middle of its last via, nm."""
APART = 400
"""Least distance between two lines on a track, nm."""
STEADY = ("vmid", "vbp", "vbn")

Reached = Iterable[tuple[str, int]]
"""Nets, and places in x at which their lines are reached, nm."""


def tracks(circuit: Circuit, plan: RowsPlan) -> dict[str, int]:
    """Track of each net, from below.

    Nets with a capacitor or resistor have one of their own: these lie beside the transistors, or
    where the part's height puts them.
    """
    nets = set(circuit.nets)
    low, high = SUPPLIES.values()
    held = circuit.held
    steady = [low, *held[:1], high, *held[1:], *(net for net in STEADY if net in nets)]
    plates = {net for each in circuit.capacitors for net in (each.upper, each.lower)}
    plates |= {net for each in circuit.resistors for net in (each.first, each.second)}
    alone = sorted(nets & {*circuit.ports, *plates} - set(steady))
    found = {net: at for at, net in enumerate(steady)}
    ends: list[int] = []
    for net, span in sorted(spans(terminals(plan)).items(), key=lambda each: each[1].low):
        if net in found or net in alone:
            continue
        free = [at for at, end in enumerate(ends) if end + APART <= span.low]
        at = free[0] if free else len(ends)
        ends[at : at + 1] = [span.high]
        found[net] = len(steady) + at
    first = len(steady) + len(ends)
    return found | {net: first + at for at, net in enumerate(alone)}


def terminals(plan: RowsPlan) -> Iterator[tuple[str, int]]:
    """Each net of a finger, and the middle of its column."""
    for each in plan.fingers:
        yield from ((each.left_net, each.left), (each.device.gate, each.gate))
        yield each.right_net, each.right


def spans(reached: Reached) -> dict[str, Span]:
    """From the first to the last place at which each net's line is reached."""
    places: dict[str, list[int]] = {}
    for net, x in reached:
        places.setdefault(net, []).append(x)
    return {net: Span(min(xs) - BEYOND, max(xs) + BEYOND) for net, xs in places.items()}
