"""The table of one replay."""

from collections.abc import Mapping
from typing import Any

READINGS = {
    "sampled": "sampled by the readout",
    "by_length": "by length",
}
STAGES = {"arrays": "the arrays", "measured_arrays": "arrays of measured columns"}
AGAINST = {**STAGES, "arrays_behind_transistors": "arrays with the transistors' phi"}


def result_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The main numbers of a report of ``gaincell replay``."""
    columns, lines = len(report["score_columns"]), len(report["output_lines"])
    side = report["cells_side_by_side"]
    rows = [
        ("queries", f"{report['queries']}, all outputs of the Verilog as the contract has them"),
        ("simulated", f"{columns} score columns, {lines} output lines"),
        ("side by side", f"{side['score']} and {side['output']} cells of the design for each"),
    ]
    for name, label in STAGES.items():
        found = report["phi"][name]
        said = f"{found['mean']:+.1%} of a full pulse, at most {found['largest']:.1%}"
        rows.append(("phi pulses", f"{said}: {label}"))
    for reading, label in READINGS.items():
        for name, against in AGAINST.items():
            found = report["codes"][reading][name]
            rows.append((label, f"{_shares(found)}: {against}"))
            label = ""
    first = report["codes"]["sampled"]["arrays"]["first_difference"]
    if first is not None:
        line = report["output_lines"][first["line"]]
        rows.append(
            (
                "first difference",
                f"query {first['read']}, sub-tile {line['tile']}, dimension {line['dimension']}: "
                f"{first['transistors']}, not {first['arrays']}",
            )
        )
    return rows


def _shares(found: Mapping[str, Any]) -> str:
    inside = found["inside"]["within_one"]
    within = "" if inside is None else f", {inside:.1%} of those between 0 and full"
    return f"{found['equal']:.1%} equal, {found['within_one']:.1%} within one{within}"
