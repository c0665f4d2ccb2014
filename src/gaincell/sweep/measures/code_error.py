"""How far the outputs of arrays with faults lie from those of ideal ones, in steps of a code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.sweep.inputs import Codes, codes_of, tokens_of
from gaincell.sweep.point import Point


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig
    faults: Faults
    codes: Codes
    seed: int
    """Of the faults."""


def inputs_of(point: Point) -> Inputs:
    """What the errors of a point's head depend on."""
    return Inputs(
        config=point.config,
        faults=point.faults,
        codes=codes_of(point.tokens, point.folder),
        seed=point.tokens.seed,
    )


def measure(inputs: Inputs) -> dict[str, Any]:
    """Mean and largest distance of two outputs, and the part of them that differ.

    Ages are counted in tokens, and nothing is refreshed, as in ``run_arrays``.
    """
    import numpy as np

    from gaincell.behavioral.attention import attend
    from gaincell.behavioral.control import run_arrays

    config = replace(inputs.config, age_mode="steps")
    tokens = tokens_of(inputs.codes, config)
    ideal = attend(*tokens.codes, config, first=tokens.first)
    rng = np.random.default_rng(inputs.seed)
    found, _ = run_arrays(*tokens.codes, config, first=tokens.first, faults=inputs.faults, rng=rng)
    distance = np.abs(found - ideal)
    return {
        "mean": float(distance.mean()),
        "largest": int(distance.max()),
        "different": float((distance > 0).mean()),
    }
