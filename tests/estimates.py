"""Estimates of heads from metrics that a test makes up."""

import copy

from gaincell.config import PRESETS
from gaincell.synth.estimate.analog import Activity, AnalogConfig
from gaincell.synth.estimate.digital import Digital
from gaincell.synth.estimate.system import Estimate
from gaincell.synth.metrics import read_metrics

GPT2 = PRESETS["gpt2"]
HALF = Activity(key=0.5, value=0.5, source="a test")
METRICS = {
    "config": {},
    "library": {
        "name": "Cells45",
        "corner": "typical",
        "voltage_v": 1.1,
        "node_nm": 45,
        "estimate": False,
    },
    "options": {"clock_gating": True},
    "area": {"cells_um2": 20000.0},
    "timing": {"tool": "OpenSTA", "slack_ns": 0.16, "fmax_mhz": 1240.0},
    "power": {"total_w": 0.0125},
    "energy_per_token_j": 4e-10,
}


def metrics_with(**changes):
    """METRICS with values replaced; ``area__cells_um2`` is cells_um2 in area."""
    metrics = copy.deepcopy(METRICS)
    for path, value in changes.items():
        *sections, key = path.split("__")
        place = metrics
        for section in sections:
            place = place[section]
        place[key] = value
    return metrics


def estimate_of(config=GPT2, activity=HALF, analog=None, **changes) -> Estimate:
    metrics = metrics_with(config=config.fields_set(), **changes)
    return Estimate(
        config=config,
        analog=analog or AnalogConfig(),
        activity=activity,
        digital=Digital.of(read_metrics(metrics)),
    )
