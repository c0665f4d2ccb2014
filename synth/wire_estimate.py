"""Wires before there is a placement: their length from what they join and from the netlist."""

import math
from dataclasses import dataclass

from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Netlist

WIRE_F_PER_UM = 0.2e-15
"""Capacitance of a wire; 0.2 fF/um holds for minimum-pitch wires of all these nodes (ITRS 2011)."""
LENGTH, PER_SINK, PER_CELL = 0.18, 1.21, 0.31
"""Of a net: its length in pitches of a cell, and the powers of its sinks and of the netlist's cells
with which that grows. Fitted to placements of heads in sky130: docs/do/silicon.md."""
TO_EDGE = 0.054
"""Way of a port's net to the edge, as a part of the side of all cells. Fitted as well."""


@dataclass(frozen=True)
class WireEstimate:
    """Lengths of the nets of a netlist of so many cells, with ``pitch_um`` from one to the next.

    ports : nets that lead to the edge
    """

    cells: int
    pitch_um: float
    ports: frozenset[str]

    @classmethod
    def of(cls, netlist: Netlist, library: Library) -> "WireEstimate":
        """For a netlist whose cells lie as near to each other as their area lets them."""
        cells = max(1, len(netlist.instances))
        pitch_um = math.sqrt(netlist.area_um2(library) / cells)
        ports = frozenset(net for port in netlist.ports for net in port.nets)
        return cls(cells, pitch_um, ports)

    def length_um(self, net: str, sinks: int) -> float:
        """Estimated length of a net that drives so many inputs."""
        pitches = LENGTH * math.pow(sinks, PER_SINK) * math.pow(self.cells, PER_CELL)
        if net in self.ports:
            pitches += TO_EDGE * math.sqrt(self.cells)
        return pitches * self.pitch_um
