"""What comes out of simulated lines: pulses as edges, and codes as the readout's flops see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gaincell.schedule import Span
from gaincell.spice.deck import EDGE_S
from gaincell.spice.ngspice import NoResult
from gaincell.spice.raw_file import Waves
from gaincell.spice.replay.decks import ALIKE, Pulses, Timing
from gaincell.spice.waves import Floats, at, crossings, high_s

Codes = NDArray[np.int64]


def pulses_of(waves: Waves, name: str, level: float) -> Pulses:
    """Begin and end of each pulse of a wave, s; one that is still high ends with the waves.

    Pulses and gaps shorter than an edge are left out: no line follows them.
    """
    edges = crossings(waves, name, level).tolist()
    if waves[name][0] > level:
        edges = [float(waves["time"][0]), *edges]
    if len(edges) % 2:
        edges.append(float(waves["time"][-1]))
    pulses: Pulses = []
    for begin_s, end_s in zip(edges[::2], edges[1::2], strict=True):
        if pulses and begin_s - pulses[-1][1] < EDGE_S:
            pulses[-1] = (pulses[-1][0], end_s)
        elif end_s - begin_s >= EDGE_S:
            pulses.append((begin_s, end_s))
    return pulses


def gates_of(waves: Waves, timing: Timing, stage: str, level: float) -> list[Pulses]:
    """When gatep, and gaten of the signed stage, are open: one pulse in each conversion.

    Raises
    ------
    NoResult
        A gate is open when pulses may begin, or opens never or twice.
    """
    gates = []
    spans = timing.begun(stage)
    for name in ("v(gatep)", "v(gaten)")[: 2 if stage == "v" else 1]:
        edges, delays = crossings(waves, name, level), []
        for begin_s, end_s in spans[:ALIKE]:
            inside = edges[(edges > begin_s) & (edges < end_s)]
            if len(inside) != 1 or at(waves, name, begin_s) > level:
                raise NoResult(
                    f"the converter without cells changes its answer {len(inside)} times, not "
                    f"once, in the conversion at {begin_s:.4g} s"
                )
            delays.append(float(inside[0]) - begin_s)
        delays += delays[-1:] * (len(spans) - len(delays))
        gates.append(
            [(begin + delay, end) for (begin, end), delay in zip(spans, delays, strict=True)]
        )
    return gates


def lengths_of(waves: Waves, spans: Sequence[tuple[float, float]], level: float) -> Floats:
    """Time (reads,) for which the pulse is high in each span, s."""
    return np.array([high_s(waves, "v(pulse)", level, begin, end) for begin, end in spans])


def signed_lengths(waves: Waves, spans: Sequence[tuple[float, float]], level: float) -> Floats:
    """Likewise, negative where the sign wire is high in the middle of the span."""
    middles = [(begin + end) / 2 for begin, end in spans]
    high = np.array([at(waves, "v(sign)", middle) > level for middle in middles])
    return np.where(high, -1, 1) * lengths_of(waves, spans, level)


def sampled_codes(
    waves: Waves,
    timing: Timing,
    phases: Sequence[Span],
    samples: int,
    sync_stages: int,
    level: float,
    late_cycles: int,
) -> Codes:
    """Codes (reads,) that the popcount readout makes of the wires at its clock edges.

    The first sample is ``late_cycles`` behind the begin of the phase. The readout takes the sign
    once before it, and with each sample once more.
    """

    def high(name: str, cycles: Sequence[int]) -> NDArray[np.bool_]:
        times = [timing.at(cycle) for cycle in cycles]
        return np.interp(times, waves["time"], waves[name]) > level

    codes = []
    for phase in phases:
        start = phase.start + late_cycles
        # the edge that ends cycle c is the begin of cycle c + 1
        edges = [start + sample + 1 for sample in range(samples)]
        pulse = high("v(pulse)", edges)
        sign = high("v(sign)", [edge + sync_stages for edge in edges])
        begins_below = high("v(sign)", [start + sync_stages])[0]
        codes.append(int(np.count_nonzero(pulse ^ sign)) - samples * int(begins_below))
    return np.array(codes, dtype=np.int64)


def ruled_codes(lengths_cycles: Floats, largest: int) -> Codes:
    """Codes of signed lengths in clocks by the contract's rule: sample i sees i + 1/2 or more."""
    seen = np.searchsorted(np.arange(largest) + 0.5, np.abs(lengths_cycles), side="right")
    return np.where(lengths_cycles < 0, -seen, seen)
