"""What a head takes from a record: fields of HeadConfig, sizes of faults, energies of parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gaincell.spice.token_energy import DACS, WINDOW, token_energy

PJ = 1e12


def derived(record: Mapping[str, Any]) -> dict[str, Any]:
    """Tables ``config``, ``faults`` and ``analog``, with the names that a config file has.

    And ``token_energy_j``, the energy of a token in the paper's head, part by part.

    Charges of a head are in fC of a full query pulse. A field whose measurement is missing is
    missing here: the head then has its default.
    """
    parts = token_energy(record)
    return {
        "config": _config(record),
        "faults": _faults(record) | _converter_faults(record),
        "analog": _analog(record, parts),
        "token_energy_j": parts,
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


def _converter_faults(record: Mapping[str, Any]) -> dict[str, float]:
    """A head has one size for both stages: the root of the mean square of their sizes."""
    stages = [record[name] for name in ("score", "output") if record[name]]
    spreads = [stage["spread"] for stage in stages if stage.get("spread")]
    found: dict[str, float] = {}
    for key, name in (("offset_sigma", "comparator_offset"), ("gain_sigma", "ramp_gain_error")):
        if spreads:
            found[name] = float(np.sqrt(np.mean([spread[key] ** 2 for spread in spreads])))
    jitters = [stage["jitter_s"] for stage in stages if stage.get("jitter_s") is not None]
    if jitters:
        jitter_s = float(np.sqrt(np.mean(np.square(jitters))))
        found["pulse_jitter_cycles"] = jitter_s / record["levels"]["clock_s"]
    return found


def _analog(record: Mapping[str, Any], parts: Mapping[str, float | None]) -> dict[str, float]:
    """Energies and areas of ``[analog]``, at the design's own node and supply; none is scaled."""
    levels = record["levels"]
    cells = levels["columns"] * WINDOW
    found: dict[str, float] = {}
    activities: list[float] = []
    for stage, name, begin in (
        ("score", "key_cell_pj", "first "),
        ("output", "value_cell_pj", "second "),
    ):
        if not record[stage] or not (energy := record[stage]["energy"]):
            continue
        own = [each_j for part, each_j in parts.items() if part.startswith(begin)]
        found[name] = sum(each_j for each_j in own if each_j is not None) / cells * PJ
        activities.append(energy["activity"])
    if activities:
        found["published_activity"] = float(np.mean(activities))
    if parts.get(DACS) is not None:
        written = [each_j for part, each_j in parts.items() if "write" in part or part == DACS]
        bits = 2 * levels["columns"] * levels["code_bits"]
        found["dac_bit_pj"] = sum(each_j for each_j in written if each_j is not None) / bits * PJ
    if area := record.get("area"):
        found |= _areas(area, levels["columns"])
    return found


def _areas(area: Mapping[str, Any], columns: int) -> dict[str, float]:
    """The high ends. Lines share references, and each has a driver: its cells or converter."""
    high = {name: each["high_um2"] for name, each in area.items()}
    found = {"cell_area_um2": high["cell"] + high.get("line_driver", 0.0) / columns}
    if "score_converter" in high and "output_converter" in high:
        both = (high["score_converter"] + high["output_converter"]) / 2
        found["converter_area_um2"] = both + high.get("references", 0.0) / columns
    if "write_select" in high:
        found["dac_area_um2"] = high["write_select"]
    return found
