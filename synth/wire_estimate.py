"""Wires before there is a placement: their length from the number of inputs on a net."""

import math

WIRE_F_PER_UM = 0.2e-15
"""Capacitance of a wire; 0.2 fF/um holds for minimum-pitch wires of all these nodes (ITRS 2011)."""
PITCHES_PER_SINK = 2.0
"""Assumed length of a net for each input it drives, in pitches of a cell: there is no layout."""


def cell_pitch_um(area_um2: float, cells: int) -> float:
    """Side of the square that a usual cell fills."""
    return math.sqrt(area_um2 / max(1, cells))


def wire_length_um(sinks: int, pitch_um: float) -> float:
    """Estimated length of a net with so many inputs, at this pitch of the cells."""
    return sinks * PITCHES_PER_SINK * pitch_um
