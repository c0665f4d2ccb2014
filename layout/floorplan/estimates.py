"""Areas of parts without a drawing, estimated from a design's transistors and capacitors."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.floorplan.blocks import SUBCIRCUITS
from gaincell.layout.process import Process
from gaincell.spice.area import CAPACITOR_F_PER_UM2, LAYOUT, areas
from gaincell.spice.design import Design, load_design

CARRIED = "freepdk45_long"
"""Design whose converters stand for those that a design lacks."""


@dataclass(frozen=True)
class Area:
    """Area of one part, um2: transistors with their wires, and capacitors.

    At the low end wires are few and capacitors lie over transistors, at the high end beside them.
    """

    transistors_low: float
    transistors_high: float
    capacitors: float

    @property
    def low(self) -> float:
        return max(self.transistors_low, self.capacitors)

    @property
    def high(self) -> float:
        return self.transistors_high + self.capacitors


@dataclass(frozen=True)
class Estimates:
    """Areas by name of the subcircuit; ``design`` they are from, and how they came here."""

    design: str
    how: str
    areas: dict[str, Area]


def estimates(design: Design, process: Process) -> Estimates:
    """Areas of what stands around the arrays, in this process.

    They are the design's own, if it has converters. If not, those of ``CARRIED`` are carried to the
    process: transistors by the square of the nodes. Capacitors keep their size.
    """
    own = all(design.netlist.has(name) for name in SUBCIRCUITS.values()) and bool(
        design.levels.diffusion
    )
    source = design if own else load_design(CARRIED)
    factor = (process.node_nm / source.levels.node_nm) ** 2
    found = areas(source, tuple(SUBCIRCUITS.values()))
    assert found is not None, source.name
    low, high = LAYOUT
    return Estimates(
        design=source.name,
        how="its transistors" if own else f"transistors times {factor:.2f}, capacitors as they are",
        areas={
            name: Area(
                transistors_low=low * factor * each["transistors_um2"],
                transistors_high=high * factor * each["transistors_um2"],
                capacitors=each["capacitors_f"] / CAPACITOR_F_PER_UM2,
            )
            for name, each in found.items()
        },
    )
