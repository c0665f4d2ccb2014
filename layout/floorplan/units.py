"""What the parts of a head take: each is drawn once if it can be, and has an estimate if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gaincell.layout.floorplan.blocks import SUBCIRCUITS
from gaincell.layout.floorplan.estimates import Area, Estimates
from gaincell.layout.floorplan.rooms import Unit
from gaincell.layout.process import Process
from gaincell.layout.rows.devices import Circuit, subcircuit
from gaincell.layout.rows.draw import Drawn, draw_subcircuit
from gaincell.spice.area import CAPACITOR_F_PER_UM2
from gaincell.spice.design import Design

SPACES = ("space", "apart")
"""Kinds of rules that ask for a distance between shapes of different drawings."""


@dataclass(frozen=True)
class DrawnPart:
    """A subcircuit, and its drawing."""

    circuit: Circuit
    drawn: Drawn

    @property
    def capacitors_um2(self) -> float:
        return sum(each.farads for each in self.circuit.capacitors) / CAPACITOR_F_PER_UM2


@dataclass(frozen=True)
class Drawings:
    """Drawings by part, and for each other part why it has none."""

    drawn: Mapping[str, DrawnPart]
    missing: Mapping[str, str]


def draw_parts(design: Design, process: Process) -> Drawings:
    """Draw each part of a design that can be drawn.

    Raises
    ------
    Unable
        KLayout is not installed.
    """
    drawn, missing = {}, {}
    for part, name in SUBCIRCUITS.items():
        try:
            circuit = subcircuit(design, process, name)
            found = draw_subcircuit(name, circuit, process)
        except ValueError as error:
            missing[part] = str(error)
        else:
            drawn[part] = DrawnPart(circuit, found)
    return Drawings(drawn, missing)


def clearance(process: Process) -> int:
    """Distance of two drawings that keeps every rule between them, nm."""
    return max(rule.nm for rule in process.rules.values() if rule.kind in SPACES)


def units(drawings: Drawings, found: Estimates, process: Process) -> dict[str, Unit]:
    """What each part takes; without a drawing, the high end of its estimate."""
    taken = {}
    for part, name in SUBCIRCUITS.items():
        area: Area = found.areas[name]
        own = drawings.drawn.get(part)
        sides = (own.drawn.width, own.drawn.height) if own else None
        taken[part] = Unit(area.high, sides, clearance(process))
    return taken
