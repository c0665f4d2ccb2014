"""Hold: delay cells before the flops whose data come too early."""

from collections.abc import Mapping

import numpy as np

from gaincell.synth.sizing.arcs import LibraryArcs
from gaincell.synth.sizing.circuit import Circuit
from gaincell.synth.sizing.families import Families

MARGIN_NS = 0.05
"""Slack that a repaired path has."""
LOAD_FF, SLEW_NS = 4.0, 0.1
"""Load and transition at which the delay of a delay cell is taken."""

Point = tuple[float, float]


def repair_hold(
    circuit: Circuit,
    arcs: LibraryArcs,
    kinds: Families,
    early_ns: Mapping[tuple[str, str], float],
    at: dict[str, Point],
) -> list[str]:
    """Put a delay cell before each input of ``early_ns``, which has its negative slack.

    ``at`` gets the places of the cells: those of the flops. Returns their names.
    """
    delays = sorted(
        (_delay_ns(arcs, cell), circuit.library.cells[cell].area_um2, cell)
        for cell in (*kinds.buffers[:1], *kinds.delays)
    )
    made = []
    for (name, pin), slack in sorted(early_ns.items()):
        net = circuit.instances[name].pins[pin]
        enough = [cell for ns, _, cell in delays if ns >= MARGIN_NS - slack]
        cell = enough[0] if enough else delays[-1][2]
        new = circuit.buffer(net, [(name, pin)], cell, kinds.buffer_pins[cell])
        at[new] = at[name]
        made.append(new)
    return made


def _delay_ns(arcs: LibraryArcs, cell: str) -> float:
    """The shorter delay of a buffer's two edges."""
    rows = arcs.of(cell).arcs
    count = len(rows)
    found = arcs.tables.at(rows[:, 4], np.full(count, SLEW_NS), np.full(count, LOAD_FF))
    return float(found.min())
