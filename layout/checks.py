"""Checks a drawing against the rules of its process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gaincell.layout.klayout import db
from gaincell.layout.process import Process, Rule

Region = Any


def regions(cell: Any, process: Process) -> dict[str, Region]:
    """All shapes of a cell and of the cells in it, merged, by layer; derived layers too."""
    layout = cell.layout()
    found: dict[str, Region] = {}
    for name, (layer, datatype) in process.layers.items():
        region = db().Region(cell.begin_shapes_rec(layout.layer(layer, datatype)))
        found[name] = region.merged()
    for name, expression in process.derived.items():
        left, sign, right = expression.split()
        a, b = found[left], found[right]
        found[name] = (a & b if sign == "&" else a - b if sign == "-" else a | b).merged()
    return found


def violations(cell: Any, process: Process) -> dict[str, int]:
    """How often a cell breaks each rule, by the rule's name; rules that it keeps are left out."""
    shapes = regions(cell, process)
    counts = {name: KINDS[rule.kind](rule, shapes).count() for name, rule in process.rules.items()}
    return {name: count for name, count in counts.items() if count}


def _width(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    return shapes[rule.of].width_check(rule.nm)


def _space(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """Gaps between shapes, and notches of one."""
    return shapes[rule.of].space_check(rule.nm)


def _apart(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """Edges that face each other over a gap; shapes that cross are not meant."""
    metrics = db().Metrics.Projection
    return shapes[rule.of].separation_check(shapes[rule.other], rule.nm, False, metrics)


def _inside(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """``of`` must lie in ``from``, with that margin on all sides."""
    return shapes[rule.of].sized(rule.nm) - shapes[rule.other]


def _one_way(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """The margin is asked for at two opposite sides: above and below, or left and right."""
    inner, outer = shapes[rule.of], shapes[rule.other]
    lying = _with_room(inner, outer, rule.nm, 0)
    standing = _with_room(inner, outer, 0, rule.nm)
    return inner - lying - standing


def _with_room(inner: Region, outer: Region, x: int, y: int) -> Region:
    """Those shapes that lie in ``outer`` when they are made larger by so much."""
    grown = inner.sized(x, y, 2)
    return inner.inside(grown.inside(outer))


def _square(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    side = rule.nm
    exact = shapes[rule.of].rectangles().with_bbox_width(side, False)
    return shapes[rule.of] - exact.with_bbox_height(side, False)


def _area(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    return shapes[rule.of].with_area(0, rule.nm, False)


def _channel(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """Width of a transistor: of its gate between the edges that poly runs beyond."""
    ends = shapes[rule.of].edges() - shapes[rule.other].edges()
    return ends.width_check(rule.nm)


def _beyond(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """``of`` must go on so far behind each edge at which a gate leaves ``from``."""
    gates = shapes["gate"].edges()
    ends = gates - shapes[rule.of].edges()
    return ends.extended(0, 0, rule.nm, 0, False).merged() - shapes[rule.of]


def _none(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    return shapes[rule.of]


def _near(rule: Rule, shapes: Mapping[str, Region]) -> Any:
    """No point of ``of`` may be further from ``from``."""
    return shapes[rule.of] - shapes[rule.other].sized(rule.nm)


KINDS: Mapping[str, Callable[[Rule, Mapping[str, Region]], Any]] = {
    "width": _width,
    "space": _space,
    "apart": _apart,
    "inside": _inside,
    "one_way": _one_way,
    "square": _square,
    "area": _area,
    "channel": _channel,
    "beyond": _beyond,
    "none": _none,
    "near": _near,
}
"""Check of each kind of rule; it returns what breaks the rule."""
