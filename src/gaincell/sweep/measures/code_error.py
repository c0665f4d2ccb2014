"""How far the outputs of arrays with faults lie from those of ideal ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.sweep.inputs import Codes, codes_of, tokens_of, wide_of, wide_tokens_of
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
    """Mean and largest distance of two outputs, and the part of them that differ; ``unexplained``.

    ``unexplained`` compares the outputs with the charge of the codes as they come, before they are
    rounded to the head's widths, of arrays without faults, rounding or clipping. None: that charge
    is always the same.

    Ages are counted in tokens, and nothing is refreshed, as in ``run_arrays``.
    """
    from gaincell.behavioral.attention import attend, unread_charge
    from gaincell.behavioral.control import run_arrays

    config = replace(inputs.config, age_mode="steps")
    tokens = tokens_of(inputs.codes, config)
    ideal = attend(*tokens.codes, config, first=tokens.first)
    rng = np.random.default_rng(inputs.seed)
    found, _ = run_arrays(*tokens.codes, config, first=tokens.first, faults=inputs.faults, rng=rng)
    distance = np.abs(found - ideal)
    wide = wide_tokens_of(inputs.codes, config)
    charge = unread_charge(*wide.codes, wide_of(inputs.codes, config), first=wide.first)
    return {
        "mean": float(distance.mean()),
        "largest": int(distance.max()),
        "different": float((distance > 0).mean()),
        "unexplained": _unexplained(found, charge),
    }


def _unexplained(found: NDArray[Any], charge: NDArray[Any]) -> float | None:
    """Part of the charge's standard deviation that no line through the outputs gives back.

    Both are (T, [G,] D), and each dimension has a line of its own, as what follows a head's
    outputs in a model has a scale and an offset for each.
    """
    read, charge = (each.reshape(-1, each.shape[-1]).astype(float) for each in (found, charge))
    read, charge = read - read.mean(axis=0), charge - charge.mean(axis=0)
    power, whole = (read**2).sum(axis=0), (charge**2).sum(axis=0)
    shared = (read * charge).sum(axis=0)
    explained = np.divide(shared**2, power, out=np.zeros_like(power), where=power > 0)
    if not whole.sum() > 0:
        return None
    return float(np.sqrt(max(0.0, 1 - explained.sum() / whole.sum())))
