"""Shapes of a drawing as boxes and edges, each with the net that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.layout.arrays.extract import ENDS
from gaincell.layout.klayout import db

Ints = NDArray[np.int64]
ORDER = ("active", "poly", "li", "m1", "m2", "m3", "capm", "m4")
"""Conductors from below to above."""
PLATE = "capm"
"""Upper plate of the capacitors: it only hides what is under it."""
CHUNK = 1 << 22


@dataclass(frozen=True)
class Boxes:
    """Boxes (n, 4) of left, low, right, high in nm that do not overlap, and their nets (n,)."""

    corners: Ints
    nets: Ints

    def at(self, x: Ints, y: Ints) -> Ints:
        """The net at each point, in doubled nm; -1: there is none."""
        left, low, right, high = 2 * self.corners.T
        found = np.full(len(x), -1, dtype=np.int64)
        step = max(1, CHUNK // max(1, len(self.nets)))
        for begin in range(0, len(x), step):
            part = slice(begin, begin + step)
            px, py = x[part, None], y[part, None]
            inside = (left <= px) & (px <= right) & (low <= py) & (py <= high)
            points, boxes = np.nonzero(inside)
            found[begin + points] = self.nets[boxes]
        return found


@dataclass(frozen=True)
class Shapes:
    """A drawing.

    names : of the nets
    regions : KLayout's regions by layer, all nets together
    boxes : by layer
    diff : diffusion with the gates in it
    """

    names: tuple[str, ...]
    regions: Mapping[str, Any]
    boxes: Mapping[str, Boxes]
    diff: Any

    def labelled(self, region: Any, *layers: str) -> tuple[Ints, list[Ints]]:
        """Boxes of a region, and for each layer the net that each box lies in."""
        corners = boxes_of(region)
        x, y = corners[:, 0] + corners[:, 2], corners[:, 1] + corners[:, 3]
        return corners, [self.boxes[layer].at(x, y) for layer in layers]

    def hidden(self, one: str, other: str) -> Any:
        """What lies between two layers, and hides one from the other."""
        low, high = sorted((ORDER.index(one), ORDER.index(other)))
        between = db().Region()
        for layer in ORDER[low + 1 : high]:
            between += self.regions[layer]
        return between.merged()


def shapes(extracted: Any, top: str) -> Shapes:
    """Shapes of a flat cell ``top``, whose circuit KLayout extracted."""
    kdb = db()
    circuit = extracted.netlist().circuit_by_name(top)
    names: list[str] = []
    corners: dict[str, list[Ints]] = {layer: [] for layer in ORDER}
    nets: dict[str, list[Ints]] = {layer: [] for layer in ORDER}
    regions = {layer: kdb.Region() for layer in ORDER}
    own = {layer: [extracted.layer_by_name(layer)] for layer in ORDER[1:]}
    own[ORDER[0]] = [extracted.layer_by_name(name) for name in ENDS]
    for number, net in enumerate(circuit.each_net()):
        names.append(net.expanded_name())
        for layer, parts in own.items():
            region = kdb.Region()
            for part in parts:
                region += extracted.shapes_of_net(net, part, True)
            region.merge()
            regions[layer] += region
            found = boxes_of(region)
            corners[layer].append(found)
            nets[layer].append(np.full(len(found), number, dtype=np.int64))
    empty = np.zeros((0, 4), dtype=np.int64)
    boxes = {
        layer: Boxes(
            np.concatenate([empty, *corners[layer]]), np.concatenate([empty[:, 0], *nets[layer]])
        )
        for layer in ORDER
    }
    diff = kdb.Region() + extracted.layer_by_name("diff")
    return Shapes(
        tuple(names), {key: each.merged() for key, each in regions.items()}, boxes, diff.merged()
    )


def boxes_of(region: Any) -> Ints:
    """A region of right angles as boxes that do not overlap."""
    parts = [each.bbox() for each in region.decompose_trapezoids_to_region().each()]
    corners = [(box.left, box.bottom, box.right, box.top) for box in parts]
    return np.array(corners, dtype=np.int64).reshape(-1, 4)
