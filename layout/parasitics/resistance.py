"""Resistance of a drawn line from end to end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from gaincell.layout.parasitics.shapes import boxes_of


def line_ohm(extracted: Any, top: str, net: str, layer: str, sheet: float) -> float:
    """Resistance (Ohm) of a net on one layer, along its longer side.

    It is cut where its width changes: each piece has ``sheet`` times length over width. Current
    does not spread at once where the width changes, so that is a little too low.
    """
    circuit = extracted.netlist().circuit_by_name(top)
    found = circuit.net_by_name(net)
    boxes = boxes_of(extracted.shapes_of_net(found, extracted.layer_by_name(layer), True).merged())
    left, low, right, high = boxes.T
    if np.ptp((high, low)) > np.ptp((right, left)):
        left, low, right, high = low, left, high, right
    cuts = np.unique(np.concatenate([left, right]))
    ohm = 0.0
    for begin, end in pairwise(cuts):
        over = (left < end) & (right > begin)
        width = int(np.sum((high - low)[over]))
        ohm += sheet * float(end - begin) / width if width else 0.0
    return ohm
