"""Capacitance of a sub-tile's wires to the substrate, from the area and edges of their metal.

Capacitance between wires is not counted, nor are the transistors', which SPICE knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaincell.layout.arrays.cell import NAME
from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.arrays.extract import extract
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.klayout import db
from gaincell.layout.process import Process, Wire

NM = 1e-9
STORED = "s"
"""The storage node."""
DRAWN = 8
"""Cells along a row and along a column of the sub-tile that is measured: lines are periodic."""


def wires_per_cell(circuit: GainCell, process: Process) -> dict[str, float]:
    """Capacitance of each line per cell, and of the storage node, F; keys are the cell's ports."""
    tile = draw_tile(circuit, process, DRAWN, DRAWN)
    extracted = extract(tile.cell, process)
    netlist = extracted.netlist()
    top = netlist.circuit_by_name(tile.cell.name)
    index = tile.layout.layer(*process.layers["diff"])
    diff = db().Region(tile.cell.begin_shapes_rec(index))
    found = {}
    for port in (*circuit.along_row, *circuit.along_column):
        net = top.net_by_name(f"{port}{DRAWN // 2}")
        found[port] = _capacitance(extracted, net, diff, process.wires) / DRAWN
    unit = netlist.circuit_by_name(NAME)
    (stored,) = (net for net in unit.each_net() if _gates(net) > 1)
    found[STORED] = _capacitance(extracted, stored, diff, process.wires)
    return found


def _gates(net: Any) -> int:
    return sum(each.terminal_def().name == "G" for each in net.each_terminal())


def _capacitance(extracted: Any, net: Any, diff: Any, wires: Mapping[str, Wire]) -> float:
    total = 0.0
    for name, wire in wires.items():
        field = name == "field_poly"
        layer = extracted.layer_by_name("poly" if field else name)
        shapes = extracted.shapes_of_net(net, layer, True).merged()
        if field:
            shapes -= diff
        total += shapes.area() * NM**2 * wire.area + shapes.perimeter() * NM * wire.edge
    return total
