"""A head whose arrays are a design: its config, and how its cells fill the design's lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gaincell.config import HeadConfig
from gaincell.spice.design import Design
from gaincell.spice.netlist import PORTS
from gaincell.spice.replay.columns import SIGNS, column_lines


@dataclass(frozen=True)
class ReplayedHead:
    """A head, and the lines of a design that its lines become.

    A line has as many cells as its converter was made for. So each cell of a small head stands
    for ``gang`` cells side by side, which are written and read alike. The head's saturations are
    then those of the converter, divided by that number.

    config : cell, saturations and clock as the record has them, writes and resets at least as
        long; ages in time
    record : of ``gaincell characterise``, for this very design
    score_gang, output_gang : cells of the design for a cell of K, and of V
    """

    config: HeadConfig
    design: Design
    record: Mapping[str, Any]
    score_gang: int
    output_gang: int


def replayed_head(config: HeadConfig, design: Design, record: Mapping[str, Any]) -> ReplayedHead:
    """The head of ``config`` with the cells of ``design``.

    Raises
    ------
    ValueError
        The record is of another design, or misses a converter or its columns. Or the head does
        not fit the design: its dimensions, columns, bits, pulses or integrators.
    """
    name, levels = design.name, design.levels
    if record["design"]["sha256"] != design.sha256:
        raise ValueError(
            f"the record of design {name} belongs to another netlist or other sizes: "
            "characterise the design again"
        )
    lacking = [part for part in PORTS if not design.netlist.has(part)]
    if lacking or not (record["score"] and record["output"]):
        missing = f"subcircuit {lacking[0]}" if lacking else "converters in its record"
        raise ValueError(f"design {name} has no {missing}, so no code comes out of it")
    for stage in SIGNS:
        column_lines(record, stage)
    if config.schedule == "paired":
        raise ValueError(
            'schedule is "paired", but a line of the design has one integrator: choose another'
        )
    gangs = []
    for what, count in (("head_dim", config.head_dim), ("columns", config.columns)):
        if levels.columns % count:
            raise ValueError(
                f"{what} is {count}, but must divide {levels.columns}, the cells on a line of "
                f"design {name}"
            )
        gangs.append(levels.columns // count)
    found = dict(record["derived"]["config"])
    found["cell"] = tuple(found["cell"])
    found["score_saturation"] /= gangs[0]
    found["output_saturation"] /= gangs[1]
    for phase in ("write_cycles", "reset_cycles"):
        found[phase] = max(found[phase], getattr(config, phase))
    # on the wires tokens come far sooner than token_s, and the transistors age on the clock
    own = replace(config, **found, age_mode="time")
    pulse_s, out_s = own.pulse_cycles * own.clock_s, own.readout_max * own.clock_s
    for what, given_s in (("query pulse", pulse_s), ("output pulse", out_s)):
        if not math.isclose(given_s, levels.full_pulse_s, rel_tol=1e-6):
            raise ValueError(
                f"a full {what} is {given_s:.4g} s, but {levels.full_pulse_s:.4g} s in design "
                f"{name}: leave step_cycles, query_bits and readout_bits as they were"
            )
    return ReplayedHead(own, design, record, *gangs)
