"""Areas of a design's subcircuits, estimated from the sizes of their transistors and capacitors.

A transistor takes (L + 2 d) (W + d), with d the length of a source or drain, ``diffusion``. Nothing
is shared between neighbours. Wells, taps and wires come on top: a drawn cell takes ``LAYOUT`` times
as much as its transistors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gaincell.ledger.arithmetic import evaluate
from gaincell.spice.design import Design
from gaincell.spice.netlist import Device

LAYOUT = (1.4, 2.5)
"""Drawn area over that of the transistors. Low: INV_X1 of Nangate45, 0.532 um2 with 415 and 630 nm
by 50 nm. High: the gain cell that ``gaincell tile`` draws in sky130, 10.30 um2."""
CAPACITOR_F_PER_UM2 = 2e-15
"""SkyWater's MiM capacitor (models ``cap_mim_m3`` of sky130); it may lie over transistors."""
AREAS = ("cell", "score_converter", "output_converter", "references", "write_select", "line_driver")
UM2 = 1e12


def areas(design: Design, names: Sequence[str] = AREAS) -> dict[str, Any] | None:
    """Part ``area`` of a record: um2 of each subcircuit, both ends; None: no ``diffusion``.

    The low end has capacitors over the transistors, the high end beside them. Resistors are not
    counted.

    Raises
    ------
    ValueError
        A size is no expression of the design's sizes.
    """
    if not design.levels.diffusion:
        return None
    found: dict[str, Any] = {}
    for name in names:
        if design.netlist.has(name):
            transistors, farads = _sizes(design, name)
            plates = farads / CAPACITOR_F_PER_UM2
            low, high = (factor * transistors for factor in LAYOUT)
            found[name] = {
                "transistors_um2": transistors,
                "capacitors_f": farads,
                "low_um2": max(low, plates),
                "high_um2": high + plates,
            }
    return found


def _sizes(design: Design, name: str) -> tuple[float, float]:
    """Footprints (um2) of all transistors in a subcircuit, and its capacitance (F)."""
    levels, netlist = design.levels, design.netlist
    end = levels.diffusion
    total, farads = 0.0, 0.0
    for device in netlist.devices(name):
        width, length, copies = device_sizes(device, design.sizes)
        total += copies * (length + 2 * end) * (width + end)
    total *= levels.unit_m**2 * UM2
    for line in netlist.bodies[name]:
        if line[0] in "cC":
            farads += value(line, design.sizes)
    for inner in netlist.inner(name):
        more, farads_more = _sizes(design, inner)
        total, farads = total + more, farads + farads_more
    assert math.isfinite(total)
    return total, farads


def device_sizes(device: Device, sizes: Mapping[str, float]) -> tuple[float, float, float]:
    """Width, length and copies of a transistor, by a design's sizes; the first two in its unit."""
    width, length = float(evaluate(device.width, sizes)), float(evaluate(device.length, sizes))
    return width, length, float(evaluate(device.copies, sizes))


def value(line: str, sizes: Mapping[str, float]) -> float:
    """Of the line of a capacitor or resistor in a netlist, F or Ohm."""
    return float(evaluate(line.split()[3].strip("{}'"), sizes))
