"""Compares what the drawn metal joins with what the netlist joins, from the GDS alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.layout.digital.placement.core import Places
from gaincell.layout.digital.routing.grid import Box
from gaincell.layout.digital.routing.straps import SUPPLIES
from gaincell.layout.digital.technology import Technology
from gaincell.layout.klayout import db
from gaincell.layout.process import Process
from gaincell.synth.netlist import Netlist

STACK = ("li", "mcon", "m1", "via", "m2", "via2", "m3", "via3", "m4")
"""Metals and the cuts that join them, from below."""

Pin = tuple[str, str]
"""Instance and pin, or port's bit and ""."""


@dataclass(frozen=True)
class Joined:
    """Nets whose pins the metal does not join, and groups of nets that it does join."""

    opens: tuple[str, ...]
    shorts: tuple[tuple[str, ...], ...]


def compare(
    gds: Path,
    process: Process,
    netlist: Netlist,
    technology: Technology,
    places: Places,
    ports: Mapping[str, tuple[str, Box] | None],
) -> Joined:
    """Whether each net's pins, and no others, are one piece of metal in ``gds``.

    A cell's pins lie where its LEF says; ``ports`` are metal and box of each port's bit, None
    for a bit without metal. Pieces of a pin count as joined inside its cell. Supplies are compared,
    too.
    """
    labels: list[tuple[Pin, str, int, int]] = []
    nets: dict[str, list[Pin]] = {supply: [] for supply in SUPPLIES}
    for instance in netlist.instances:
        body = technology.cell(instance.cell)
        x, y = (round(1000 * side) for side in places[instance.name])
        flipped, height = technology.flipped(places[instance.name][1]), body.height_um
        for pin, net in [*instance.pins.items(), *((supply, supply) for supply in SUPPLIES)]:
            nets.setdefault(net, []).append((instance.name, pin))
            for left, low, right, high in body.boxes[pin]:
                across = (low + high) // 2
                across = round(1000 * height) - across if flipped else across
                place = x + (left + right) // 2, y + across
                labels.append(((instance.name, pin), "li", *place))
    for net, port in ports.items():
        nets[net].append((net, ""))
        if port is None:
            continue
        metal, box = port
        middle = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
        labels.append(((net, ""), process.lef[metal], *middle))
    pieces = _pieces(gds, process, labels)
    return _verdict(nets, pieces)


def _pieces(
    gds: Path, process: Process, labels: list[tuple[Pin, str, int, int]]
) -> dict[Pin, list[int]]:
    """Numbers of the pieces of metal at each pin."""
    kdb = db()
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.top_cell()
    found = kdb.LayoutToNetlist(top.name, layout.dbu)
    layers: dict[str, Any] = {}
    for name in STACK:
        index = layout.layer(*process.layers[name])
        layers[name] = kdb.Region(top.begin_shapes_rec(index)).merged()
        found.register(layers[name], name)
    for name in STACK[::2]:
        texts = kdb.Texts(
            [
                kdb.Text(str(at), kdb.Trans(kdb.Vector(x, y)))
                for at, (_, layer, x, y) in enumerate(labels)
                if layer == name
            ]
        )
        found.register(texts, f"{name}_label")
        found.connect(layers[name])
        found.connect(layers[name], texts)
    for below, above in itertools.pairwise(STACK):
        found.connect(layers[below], layers[above])
    found.extract_netlist()
    pieces: dict[Pin, list[int]] = {}
    for number, net in enumerate(found.netlist().circuit_by_name(top.name).each_net()):
        for label in net.name.split(",") if net.name else ():
            pieces.setdefault(labels[int(label)][0], []).append(number)
    return pieces


def _verdict(nets: Mapping[str, list[Pin]], pieces: Mapping[Pin, list[int]]) -> Joined:
    up: dict[int, int] = {}

    def root(at: int) -> int:
        while up.setdefault(at, at) != at:
            at = up[at]
        return at

    for joined in pieces.values():
        for one, two in itertools.pairwise(joined):
            up[root(one)] = root(two)
    opens = []
    owners: dict[int, set[str]] = {}
    for net, pins in nets.items():
        groups = {root(pieces[pin][0]) if pin in pieces else None for pin in pins}
        if len(groups) > 1 or None in groups:
            opens.append(net)
        for group in groups - {None}:
            assert group is not None
            owners.setdefault(group, set()).add(net)
    return Joined(tuple(opens), _groups(owners.values()))


def _groups(owners: Iterable[set[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted({tuple(sorted(nets)) for nets in owners if len(nets) > 1}))
