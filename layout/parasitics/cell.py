"""The wires of a gain cell in the middle of a sub-tile: what each line and inner net couples to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from gaincell.layout.arrays.circuit import GainCell
from gaincell.layout.arrays.lvs import same_circuit
from gaincell.layout.arrays.tile import draw_tile
from gaincell.layout.parasitics.capacitance import SUBSTRATE, Capacitances, capacitances
from gaincell.layout.parasitics.junctions import Junction, junctions
from gaincell.layout.parasitics.resistance import line_ohm
from gaincell.layout.process import Process

DRAWN, MIDDLE = 8, 4
"""Cells along each side of the sub-tile that is drawn, and the row and column that count."""
GROUND = "vss"


@dataclass(frozen=True)
class CellWires:
    """Of one cell, with nets by their names in the netlist.

    total_f : of each line per cell and of each inner net to everything, F
    inside_f : of pairs of nets of the cell, F; the substrate and wells count as ``vss``
    outside_f : of a net of the cell to nets of its neighbours, by the latter's name, F
    ohm : of each line per cell, Ohm
    junctions : of its transistors, by gate and kind
    """

    total_f: dict[str, float]
    inside_f: dict[tuple[str, str], float]
    outside_f: dict[tuple[str, str], float]
    ohm: dict[str, float]
    junctions: dict[tuple[str, str], Junction]

    def to_rest(self, line: str) -> float:
        """Of a line per cell to all but other lines and inner nets of the cell, F."""
        inside = (
            farads
            for pair, farads in self.inside_f.items()
            if line in pair and not {GROUND, "vdd"} & {*pair}
        )
        return self.total_f[line] - sum(inside)


@dataclass(frozen=True)
class _Place:
    """A net of the sub-tile: its name in a cell, and the row and column where it is; -1: all."""

    name: str
    row: int = -1
    column: int = -1

    def shares_cell(self, other: _Place) -> bool:
        pairs = (self.row, other.row), (self.column, other.column)
        return all(-1 in pair or pair[0] == pair[1] for pair in pairs)

    @property
    def middle(self) -> bool:
        """Whether it is one of the nets that count."""
        at = self.row, self.column
        return at != (-1, -1) and all(each in (-1, MIDDLE) for each in at)


def cell_wires(circuit: GainCell, process: Process) -> CellWires:
    """Draw a sub-tile and measure the cell in its middle.

    Raises
    ------
    ValueError
        The drawing does not have the design's circuit.
    """
    tile = draw_tile(circuit, process, DRAWN, DRAWN)
    if not same_circuit(tile.cell, process, circuit, DRAWN, DRAWN):
        raise ValueError("the drawn cell has not the circuit of the design's netlist")
    top = tile.cell.name
    found, extracted = capacitances(tile.layout, process)
    places = _places(extracted.netlist().circuit_by_name(top), circuit)
    total, inside, outside = _measured(found, places)
    layers = dict.fromkeys(circuit.along_row, "m1") | dict.fromkeys(circuit.along_column, "m2")
    ohm = {
        line: line_ohm(extracted, top, f"{line}{MIDDLE}", layer, process.sheets[layer]) / DRAWN
        for line, layer in layers.items()
    }
    names = {net: place.name for net, place in places.items() if place.middle}
    names |= {each: each for each in ("vdd", "vss")}
    own = junctions(extracted.netlist().circuit_by_name(top), names)
    return CellWires(total, inside, outside, ohm, {(at[1], at[0][0]): j for at, j in own.items()})


def _places(top: Any, circuit: GainCell) -> dict[str, _Place]:
    places = {"vdd": _Place("vdd"), "vss": _Place("vss"), SUBSTRATE: _Place(GROUND)}
    for at in range(DRAWN):
        places |= {f"{line}{at}": _Place(line, row=at) for line in circuit.along_row}
        places |= {f"{line}{at}": _Place(line, column=at) for line in circuit.along_column}
    devices = [
        {name: device.net_for_terminal(name).expanded_name() for name in "DGS"}
        | {"kind": device.device_class().name}
        for device in top.each_device()
    ]
    for device in devices:
        gate = places.get(device["G"])
        if gate is None or gate.name != "wwl":
            continue
        ends = {device["D"], device["S"]}
        (line,) = (end for end in ends if end in places)
        (stored,) = ends - {line}
        lines = gate, places[line]
        place = _Place("s", max(each.row for each in lines), max(each.column for each in lines))
        places[stored] = place
    reads = {"n": circuit.read_n, "p": circuit.read_p}
    switches = {"n": circuit.switch_n, "p": circuit.switch_p}
    for device in devices:
        gate = places.get(device["G"])
        if gate is None or gate.name != "s":
            continue
        kind = device["kind"][0]
        (inner,) = reads[kind].ends & switches[kind].ends
        for end in {device["D"], device["S"]} - places.keys():
            places[end] = _Place(inner, gate.row, gate.column)
    return places


def _measured(
    found: Capacitances, places: dict[str, _Place]
) -> tuple[dict[str, float], dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    total: dict[str, float] = {}
    inside: dict[tuple[str, str], float] = {}
    outside: dict[tuple[str, str], float] = defaultdict(float)
    # inner nets first: what they have to a line is theirs, not the mean along that line
    order = sorted(places, key=lambda net: -1 in (places[net].row, places[net].column))
    for net in order:
        place = places[net]
        if not place.middle:
            continue
        cells = DRAWN if -1 in (place.row, place.column) else 1
        total[place.name] = found.total(net) / cells
        own: dict[tuple[str, str], float] = defaultdict(float)
        for other, farads in found.partners(net).items():
            at = places[other]
            if place.shares_cell(at) and at.name != place.name:
                one, two = sorted((place.name, at.name))
                own[one, two] += farads / cells
            else:
                outside[place.name, at.name] += farads / cells
        inside = {**own, **inside}
    return total, dict(inside), dict(outside)
