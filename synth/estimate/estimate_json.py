"""The estimate of a head as a JSON object: the content of estimate.json."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gaincell.synth.estimate.beside import BesideCost
from gaincell.synth.estimate.comparison import Mark, Row
from gaincell.synth.estimate.operations import NODE_NM, SCALING, SOURCE, VOLTAGE_V
from gaincell.synth.estimate.scaling import TARGET_NM, TARGET_V
from gaincell.synth.estimate.system import SYSTEMS, Estimate
from gaincell.synth.estimate.transistors import Transistors

COUNTS = (
    "products",
    "exponentials",
    "divisions",
    "buffer_bits",
    "buffer_moved_bits",
    "parameter_bits",
    "mac_units",
    "wide_units",
    "latency_cycles",
)
"""What ``BesideCost`` counts of one head."""


def as_json(
    estimate: Estimate, rows: Sequence[Row], designs: Sequence[Transistors] = ()
) -> dict[str, Any]:
    """All numbers of the report and their sources; SI unless a key names a unit."""
    digital = {key: value for key, value in asdict(estimate.digital).items() if key != "config"}
    table = {
        "config": estimate.config.fields_set(),
        "analog": asdict(estimate.analog),
        "activity": asdict(estimate.activity),
        "digital": digital,
        "target": {"node_nm": TARGET_NM, "voltage_v": TARGET_V, "verdict": "high"},
        "scaling": [asdict(method) for method in estimate.scaling.methods],
        "area_um2": {name: asdict(band) for name, band in estimate.area_um2.items()},
        "energy_per_token_j": {
            name: None if band is None else asdict(band) for name, band in estimate.energy_j.items()
        },
        "systems": {name: asdict(estimate.system(*size)) for name, size in SYSTEMS.items()},
        "paper": [asdict(row) | {"ratio": row.ratio} for row in rows],
        "cautions": estimate.cautions(),
    }
    if designs:
        table["transistors"] = {each.name: each.as_json(estimate) for each in designs}
    return table | {"beside": _beside(estimate)} if estimate.beside else table


def _beside(estimate: Estimate) -> dict[str, Any]:
    """What stands beside the arrays of one head, and the systems with it."""
    cost = estimate.cost_beside
    digital = {"digital_head": _costs(cost.of_digital_head)} if estimate.beside.digital else {}
    return {
        "settings": asdict(estimate.beside),
        "mark": Mark.BESIDE,
        "operations": {"source": SOURCE, "node_nm": NODE_NM, "voltage_v": VOLTAGE_V},
        "scaling": [asdict(method) for method in SCALING.methods],
        **_costs(cost),
        **digital,
        "latency_s": cost.latency_cycles * estimate.config.clock_s,
        "systems": {
            name: asdict(estimate.system(*size, beside=True)) for name, size in SYSTEMS.items()
        },
    }


def _costs(cost: BesideCost) -> dict[str, Any]:
    return {
        "counts": {name: getattr(cost, name) for name in COUNTS},
        "area_um2": {name: asdict(band) for name, band in cost.area_um2.items()},
        "energy_per_token_j": {name: asdict(band) for name, band in cost.energy_j.items()},
    }
