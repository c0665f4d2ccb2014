"""Waves of one read, from the Verilog's wires to the samples, for a picture; plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from gaincell.schedule import Span
from gaincell.spice.record.plain import listed
from gaincell.spice.replay.run import Replayed

POINTS = 600
SHOWN_QUERIES = 8


def example_of(replayed: Replayed) -> dict[str, Any]:
    """Times, s, count from the first query pulse's clock edge.

    "wires": begin and end of each pulse of the control's wires in the window. "score", "output":
    waves, V. "samples": when the readout looks.
    """
    chosen, timing = replayed.example, replayed.timing
    control, config = timing.control, replayed.head.config
    phases, read = control.phases, chosen.read
    begin = min(phases["k_reset"][read].start, phases["k_integrate"][read].start)
    out = phases["v_convert"][read]
    zero_s = timing.at(phases["k_integrate"][read].start)
    grid = np.linspace(timing.at(begin - 1), timing.at(out.end + 1), POINTS)

    def spans(of_wire: list[Span]) -> list[list[float]]:
        inside = [span for span in of_wire if begin <= span.start < out.end]
        return [[timing.at(span.start) - zero_s, timing.at(span.end) - zero_s] for span in inside]

    def waves(part: str, names: tuple[str, ...]) -> dict[str, list[float]]:
        found = chosen.waves[part]
        return {
            name: [round(float(v), 4) for v in np.interp(grid, found["time"], found[f"v({name})"])]
            for name in names
        }

    shown = control.queries[:SHOWN_QUERIES]
    place = replayed.chosen.lines.index(chosen.line)
    first = out.start + config.late_cycles + 1
    edges = [timing.at(first + sample) - zero_s for sample in range(config.readout_max)]
    return {
        "read": read,
        "slot": chosen.slot,
        "tile": chosen.line[0],
        "dimension": chosen.line[1],
        "time_s": listed(grid - zero_s),
        "wires": {
            **{f"query {row}": spans(pulses) for row, pulses in enumerate(shown)},
            **{name: spans(of_wire) for name, of_wire in phases.items()},
        },
        "score": waves("score", ("bl", "pulse")),
        "output": waves("output", ("bl", "pulse", "sign")),
        "samples_s": edges,
        "codes": {
            "sampled": int(replayed.sampled[read, place]),
            "arrays": int(replayed.arrays.codes[read, *chosen.line]),
        },
    }
