"""Capacitance between the nets of a flat drawing, and to the substrate.

Areas count where a layer overlaps another one, or the substrate, and nothing is between them. The
field of an edge reaches out: up to a distance d from it lies the part 2 / pi atan(alpha d) of its
capacitance, with alpha = 0.02 of the layers' capacitance per area in aF/um2, per um, as in magic's
extraction. Shapes there take their part, a neighbour on the layer ends it, and the substrate has
what is left. Neighbours that face each other besides have (F m) / (distance + more) per length.
Wells count as the substrate. A gate's own capacitance is the transistor's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gaincell.layout.arrays.extract import extract
from gaincell.layout.parasitics.shapes import ORDER, PLATE, Boxes, Ints, Shapes, shapes
from gaincell.layout.process import Process

SUBSTRATE = "substrate"
NM = 1e-9
REACH = 8000
"""Distance to which an edge sees, nm; what lies there has all that is left of its field."""
SPREAD = 0.02
"""alpha in 1/um of a capacitance in aF/um2, which is F/m2 times 1e6."""


@dataclass(frozen=True)
class Capacitances:
    """Capacitance (F) of each pair of nets, in sorted order; one may be ``SUBSTRATE``."""

    pairs: Mapping[tuple[str, str], float]

    def between(self, one: str, other: str) -> float:
        """Of two nets, F."""
        return self.pairs.get(_key(one, other), 0.0)

    def total(self, net: str) -> float:
        """Of a net to everything else, F."""
        return sum(value for pair, value in self.pairs.items() if net in pair)

    def partners(self, net: str) -> dict[str, float]:
        """All other nets that a net has a capacitance to, F."""
        return {pair[pair[0] == net]: value for pair, value in self.pairs.items() if net in pair}


def capacitances(layout: Any, process: Process) -> tuple[Capacitances, Any]:
    """All capacitances of a layout with one top cell; and what KLayout extracted of it.

    The layout is flattened.
    """
    cell = layout.top_cell()
    cell.flatten(True)
    extracted = extract(cell, process)
    drawn = shapes(extracted, cell.name)
    found: dict[tuple[int, int], float] = defaultdict(float)
    layers = [layer for layer in ORDER if len(drawn.boxes[layer].nets) and layer != PLATE]
    for at, upper in enumerate(layers):
        if upper in process.wires or upper == "poly":
            _to_substrate(drawn, upper, process, found)
        for lower in layers[:at]:
            if (upper, lower) in process.between:
                _overlaps(drawn, upper, lower, process, found)
    for layer in layers[layers[0] == ORDER[0] :]:
        _edges(drawn, layer, process, found)
    pairs: dict[tuple[str, str], float] = defaultdict(float)
    for (one, other), farads in found.items():
        if one != other:
            names = (SUBSTRATE if each < 0 else drawn.names[each] for each in (one, other))
            pairs[_key(*names)] += farads
    return Capacitances(dict(pairs)), extracted


def _key(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _wire(process: Process, layer: str) -> Any:
    return process.wires["field_poly" if layer == "poly" else layer]


def _to_substrate(
    drawn: Shapes, layer: str, process: Process, found: dict[tuple[int, int], float]
) -> None:
    below = drawn.diff.dup()
    for each in ORDER[: ORDER.index(layer)]:
        below += drawn.regions[each]
    corners, (nets,) = drawn.labelled(drawn.regions[layer] - below, layer)
    for net, each in zip(nets, _areas(corners) * _wire(process, layer).area, strict=True):
        found[-1, int(net)] += float(each)


def _overlaps(
    drawn: Shapes, upper: str, lower: str, process: Process, found: dict[tuple[int, int], float]
) -> None:
    seen = (drawn.regions[upper] & drawn.regions[lower]) - drawn.hidden(upper, lower)
    corners, nets = drawn.labelled(seen, upper, lower)
    farads = _areas(corners) * process.between[upper, lower].area
    for one, other, each in zip(*nets, farads, strict=True):
        found[int(one), int(other)] += float(each)


def _areas(corners: Ints) -> Any:
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]) * NM**2


@dataclass(frozen=True)
class _Edge:
    """An edge from ``begin`` to ``end``; at ``place``, and its outside is towards ``sign``."""

    begin: int
    end: int
    place: int
    sign: int
    upright: bool

    def seen(self, corners: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Boxes as the edge sees them: from, to along it, and near and far from it."""
        left, low, right, high = corners.T
        along, out = ((low, high), (left, right)) if self.upright else ((left, right), (low, high))
        near, far = (self.sign * (each - self.place) for each in out[:: self.sign])
        return *along, near, far


def _edges(
    drawn: Shapes, layer: str, process: Process, found: dict[tuple[int, int], float]
) -> None:
    """The fields of all edges of a layer, and its neighbours."""
    own, beside = drawn.boxes[layer], process.beside[layer]
    edges, nets = _edges_of(drawn, layer)
    above = [each for each in ORDER if (each, layer) in process.between]
    below = [each for each in ORDER if (layer, each) in process.between]
    visible = {each: _visible(drawn, layer, each) for each in (*above, *below)}
    wire = _wire(process, layer)
    for edge, net in zip(edges, nets, strict=True):
        for begin, end, gap, other in _pieces(edge, own):
            length = (end - begin) * NM
            if gap is not None and other != net:
                # each of both edges sees the other: half from either
                distance = gap * NM + beside.more
                found[net, other] += beside.farads * length / distance / 2
            reach = REACH if gap is None else gap
            piece = _Edge(begin, end, edge.place, edge.sign, edge.upright)
            covered = 0.0
            for each, boxes in visible.items():
                lies_below = each in below
                pair = (layer, each) if lies_below else (each, layer)
                farads = process.between[pair]
                per_m = farads.upper if lies_below else farads.lower
                near, far, along, others = _under(piece, boxes, reach)
                part = _share(far, farads.area) - _share(near, farads.area)
                for at, value in zip(others, along * NM * part * per_m, strict=True):
                    found[net, int(at)] += float(value)
                if lies_below:
                    part = _share(far, wire.area) - _share(near, wire.area)
                    covered += float(np.sum(along * part)) * NM
            left = length * float(_share(reach, wire.area)) - covered
            found[-1, net] += wire.edge * max(0.0, left)


def _share(distance: Any, area: float) -> Any:
    """Part of an edge's capacitance up to a distance in nm; all of it from ``REACH`` on."""
    part = 2 / np.pi * np.arctan(SPREAD * area * 1e6 * distance * 1e-3)
    return np.where(distance >= REACH, 1.0, part)


def _edges_of(drawn: Shapes, layer: str) -> tuple[list[_Edge], list[int]]:
    """Edges of a layer, those of gates left out, and the nets inside them."""
    edges = drawn.regions[layer].edges()
    if layer == "poly":
        edges = edges.outside_part(drawn.diff)
    found, x, y = [], [], []
    for each in edges.each():
        upright = each.x1 == each.x2
        # KLayout's hulls run clockwise: the outside is to the left
        sign = (-1 if each.y2 > each.y1 else 1) if upright else (1 if each.x2 > each.x1 else -1)
        low, high = sorted((each.y1, each.y2) if upright else (each.x1, each.x2))
        place = each.x1 if upright else each.y1
        found.append(_Edge(low, high, place, sign, upright))
        inside, middle = 2 * place - sign, low + high
        x.append(inside if upright else middle)
        y.append(middle if upright else inside)
    nets = drawn.boxes[layer].at(np.array(x, dtype=np.int64), np.array(y, dtype=np.int64))
    return found, [int(net) for net in nets]


def _visible(drawn: Shapes, layer: str, other: str) -> Boxes:
    """What an edge of ``layer`` can see of another layer."""
    corners, (nets,) = drawn.labelled(drawn.regions[other] - drawn.hidden(layer, other), other)
    return Boxes(corners, nets)


def _pieces(edge: _Edge, own: Boxes) -> Iterator[tuple[int, int, int | None, int]]:
    """Parts of an edge, the distance of what is nearest on its layer (None: nothing), its net."""
    low, high, near, _ = edge.seen(own.corners)
    facing = np.flatnonzero((low < edge.end) & (high > edge.begin) & (near > 0) & (near < REACH))
    if not len(facing):
        yield edge.begin, edge.end, None, -1
        return
    low, high, near, nets = low[facing], high[facing], near[facing], own.nets[facing]
    cuts = np.unique(
        np.clip(np.concatenate([low, high, [edge.begin, edge.end]]), edge.begin, edge.end)
    )
    for begin, end in pairwise(cuts):
        over = np.flatnonzero((low < end) & (high > begin))
        if not len(over):
            yield int(begin), int(end), None, -1
            continue
        first = over[np.argmin(near[over])]
        yield int(begin), int(end), int(near[first]), int(nets[first])


def _under(edge: _Edge, boxes: Boxes, reach: int) -> tuple[Any, Any, Any, Ints]:
    """Boxes within reach: where they begin and end, how long they are along it, their nets."""
    low, high, near, far = edge.seen(boxes.corners)
    hit = np.flatnonzero((low < edge.end) & (high > edge.begin) & (far > 0) & (near < reach))
    along = np.minimum(high[hit], edge.end) - np.maximum(low[hit], edge.begin)
    return np.maximum(near[hit], 0), np.minimum(far[hit], reach), along, boxes.nets[hit]
