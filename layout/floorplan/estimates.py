"""Areas of the parts that nobody has drawn yet, from transistors and capacitors of a design."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.layout.process import Process
from gaincell.spice.area import CAPACITOR_F_PER_UM2, LAYOUT, areas
from gaincell.spice.design import Design, load_design

CARRIED = "freepdk45_long"
"""Design whose converters stand for those that a design lacks."""
PARTS = ("score_converter", "output_converter", "write_select", "line_driver", "references")


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
    own = all(design.netlist.has(part) for part in PARTS) and bool(design.levels.diffusion)
    source = design if own else load_design(CARRIED)
    factor = (process.node_nm / source.levels.node_nm) ** 2
    found = areas(source)
    assert found is not None, source.name
    low, high = LAYOUT
    return Estimates(
        design=source.name,
        how="its transistors" if own else f"transistors times {factor:.2f}, capacitors as they are",
        areas={
            part: Area(
                transistors_low=low * factor * found[part]["transistors_um2"],
                transistors_high=high * factor * found[part]["transistors_um2"],
                capacitors=found[part]["capacitors_f"] / CAPACITOR_F_PER_UM2,
            )
            for part in PARTS
        },
    )
