"""What a head takes from a record: fields of HeadConfig, sizes of faults, energies of parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gaincell.spice.token_energy import token_energy

PJ = 1e12


def derived(record: Mapping[str, Any]) -> dict[str, Any]:
    """Tables ``config``, ``faults`` and ``analog``, with the names that a config file has.

    And ``token_energy_j``, the energy of a token in the paper's head, part by part.

    Charges of a head are in fC of a full query pulse. A field whose measurement is missing is
    missing here: the head then has its default.
    """
    return {
        "config": _config(record),
        "faults": _faults(record),
        "analog": _analog(record),
        "token_energy_j": token_energy(record),
    }


def _config(record: Mapping[str, Any]) -> dict[str, Any]:
    levels, cell = record["levels"], record["cell"]
    low = levels["lowest_v"]
    found: dict[str, Any] = {
        "cell": cell["coefficients_fc"],
        # a head counts voltages from code 0 on
        "full_scale_v": levels["full_scale_v"] - low,
        "center_v": cell["center_v"] - low,
        "clock_s": levels["clock_s"],
        "write_cycles": levels["write_cycles"],
        "reset_cycles": levels["reset_cycles"],
        "late_cycles": levels["late_cycles"],
    }
    if record["retention"]:
        found["retention_s"] = record["retention"]["tau_s"]
    score, output = record["score"], record["output"]
    steps = (1 << levels["query_bits"]) - 1
    if score:
        found["score_saturation"] = score["full_s"] / score["lines"]["positive"]["slope_s_per_fc"]
    if score and output:
        full_s = steps * levels["clock_s"]
        slopes = [line["slope_s_per_fc"] for line in output["lines"].values()]
        # A full pulse of the first stage is shorter than a full query pulse and reads less.
        shorter = score["full_s"] / full_s
        found["output_saturation"] = full_s / float(np.mean(slopes)) / shorter
    return found


def _faults(record: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    if mismatch := record["mismatch"]:
        found["gain_mismatch"] = mismatch["gain_sigma"]
        # what gain and offset leave varies from code to code: it is counted as an offset
        parts = (mismatch["offset_sigma_fc"], mismatch["rest_sigma_fc"])
        found["offset_mismatch"] = math.hypot(*parts)
    if noise := record["noise"]:
        found["read_noise"] = float(np.sqrt(np.mean(np.square(noise["read_fc"]))))
        if "ktc_v" in noise:
            found["ktc_noise_v"] = noise["ktc_v"]
    if write := record["write"]:
        found["write_error_v"] = float(np.max(np.abs(write["memory_v"]))) / 2
    return found


def _analog(record: Mapping[str, Any]) -> dict[str, float]:
    """Energies of ``[analog]``, at the design's own node and supply; none is scaled."""
    cell, columns = record["cell"]["energy"], record["levels"]["columns"]
    found: dict[str, float] = {}
    activities: list[float] = []
    for stage, name in (("score", "key_cell_pj"), ("output", "value_cell_pj")):
        if not record[stage] or not (energy := record[stage]["energy"]):
            continue
        parts = ("cells_j", "reset_j", "integrate_j", "convert_j", "middle_j")
        # one reference for the converters of a sub-tile
        column_j = sum(energy[part] for part in parts) + energy["bias_j"] / columns
        found[name] = (column_j / columns + cell["lines_j"]) * PJ
        activities.append(energy["activity"])
    if activities:
        found["published_activity"] = float(np.mean(activities))
    return found
