"""Mean lengths of the pulses on the arrays, which the energy of a head follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gaincell.config import HeadConfig
from gaincell.sweep.inputs import Codes, codes_of, tokens_of
from gaincell.sweep.point import Point


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig
    codes: Codes


def inputs_of(point: Point) -> Inputs:
    """What the activity of a point's head depends on."""
    return Inputs(config=point.config, codes=codes_of(point.tokens, point.folder))


def measure(inputs: Inputs) -> dict[str, Any]:
    """``key`` and ``value`` of ``gaincell.synth.estimate.analog.Activity``."""
    from gaincell.synth.estimate.activity import measure_activity

    activity = measure_activity(tokens_of(inputs.codes, inputs.config), "", inputs.config)
    return {"key": activity.key, "value": activity.value}
