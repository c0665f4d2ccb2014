"""Energy of one token in one head of a design's cells and converters, part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

WINDOW = 1024
"""Tokens that the head stores, as the paper's; its dimensions are the cells on a line."""
CONVERTER = ("reset_j", "integrate_j", "convert_j", "middle_j")
PARTS = {
    "converters": CONVERTER,
    "converters, control wires": ("control_j",),
}
"""Energies of each converter, by the part that they belong to."""
DACS, WIRES, SUPPLY = (
    "DACs and their ladders",
    "first product, wires to sub-tiles",
    "supply of the write lines",
)
COUNTED = (WIRES, SUPPLY)
"""Parts that are not simulated but counted: capacitance times voltages."""


def token_energy(record: Mapping[str, Any], window: int = WINDOW) -> dict[str, float | None]:
    """Energy (J) of each part, at the design's own node and supply; None: it is not simulated.

    Scores and outputs are spread evenly over the range of their converters, and all columns
    answer: a language model attends to few, so its second product takes less. There is one
    reference for the converters of a sub-tile, and one converter without cells, of the signed
    ones two. Wires count where the design gives them. Measured cells have no energies: no part.
    """
    cell, columns = record["cell"].get("energy"), record["levels"]["columns"]
    if cell is None:
        return {}
    dims, tiles = columns, window // columns
    parts: dict[str, float | None] = {}
    driver = record.get("line_driver")
    for stage, lines, name in (("score", window, "first"), ("output", tiles * dims, "second")):
        energy = record[stage] and record[stage]["energy"]
        parts[f"{name} product, cells"] = energy and lines * energy["cells_j"]
        parts[f"{name} product, word lines"] = dims * window * cell["lines_j"]
        own_j = driver and driver["energy_j"] - columns * cell["lines_j"]
        parts[f"{name} product, drivers"] = driver and tiles * dims * own_j
        if name == "first":
            parts[WIRES] = dims * window * _line_j(record["levels"])
        for part, keys in PARTS.items():
            parts[f"{name} {part}"] = energy and lines * sum(energy[key] for key in keys)
        parts[f"{name} converters without cells"] = energy and tiles * energy["replica_j"]
        parts[f"{name} converters, references"] = energy and tiles * energy["bias_j"]
    dac = record.get("dac")
    parts[DACS] = dac and 2 * dac["energy_j"]
    each_j = float(np.mean(cell["row_j"])) + cell["write_line_j"]
    parts["writes of a key and a value"] = 2 * dims * each_j
    parts[SUPPLY] = 2 * dims * cell["write_line_j"] * _lost(record["levels"])
    return parts


def _line_j(levels: Mapping[str, Any]) -> float:
    """Of a wire along one cell that is charged once, J; queries reach sub-tiles on one wire."""
    return float(levels["line_f"] * levels["cell_v"] ** 2)


def _lost(levels: Mapping[str, Any]) -> float:
    """What charge pumps take for a write line besides the energy of the line, over that energy.

    An ideal pump of n - 1 stages gives n times its supply and takes n times the charge.
    """
    supply_v, swing_v = levels["logic_v"], levels["write_on_v"] - levels["write_off_v"]
    above = math.ceil(max(levels["write_on_v"], supply_v) / supply_v - 1e-9)
    below = math.ceil(max(0.0, -levels["write_off_v"]) / supply_v)
    return float((above + below) * supply_v / swing_v - 1)
