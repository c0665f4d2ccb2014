"""Energy of one token in one head of a design's cells and converters, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WINDOW = 1024
"""Tokens that the head stores, as the paper's; its dimensions are the cells on a line."""
NOT_SIMULATED = ("DACs and their ladder", "drivers of word lines", "supply of the write lines")
CONVERTER = ("reset_j", "integrate_j", "convert_j", "middle_j")


def token_energy(record: Mapping[str, Any], window: int = WINDOW) -> dict[str, float | None]:
    """Energy (J) of each part, at the design's own node and supply; None: it is not simulated.

    Scores and outputs are spread evenly over the range of their converters, and all columns
    answer: a language model attends to few, so its second product takes less. There is one
    reference for the converters of a sub-tile. Wires count where the design gives them.
    """
    cell, columns = record["cell"]["energy"], record["levels"]["columns"]
    dims, tiles = columns, window // columns
    parts: dict[str, float | None] = {}
    for stage, lines, name in (("score", window, "first"), ("output", tiles * dims, "second")):
        energy = record[stage] and record[stage]["energy"]
        converter = energy and lines * sum(energy[part] for part in CONVERTER)
        parts[f"{name} product, cells"] = energy and lines * energy["cells_j"]
        parts[f"{name} product, word lines"] = dims * window * cell["lines_j"]
        parts[f"{name} converters"] = converter
        parts[f"{name} converters, references"] = energy and tiles * energy["bias_j"]
    each_j = float(np.mean(cell["row_j"])) + cell["write_line_j"]
    parts["writes of a key and a value"] = 2 * dims * each_j
    return parts | dict.fromkeys(NOT_SIMULATED)
