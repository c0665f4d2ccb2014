"""Monte Carlo of converters: each with thresholds of its own, given the same charges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, STEP, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.column import inject
from gaincell.spice.measure.converters import Transfer
from gaincell.spice.measure.noise import frozen_noise_v
from gaincell.spice.measure.times import OUTPUT, SCORE, Times
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats, high_s

SHARES = (0.3, 0.8)
"""Charges that each converter gets, as a fraction of that of a full pulse."""


@dataclass(frozen=True)
class ConverterSpread:
    """Converters that differ.

    charge_c : (charges,)
    pulse_s : (converters, charges) lengths
    offset : (converters,) charge added at the input, fraction of that of a full pulse
    gain : (converters, signs) relative error of the slope
    """

    charge_c: Floats
    pulse_s: Floats
    offset: Floats
    gain: Floats


def converter_spread(
    design: Design,
    transfer: Transfer,
    *,
    signed: bool,
    converters: int,
    rng: np.random.Generator,
) -> ConverterSpread:
    """Simulate ``converters`` different ones, all beside the same ones without cells.

    Raises
    ------
    NoResult
        The simulation failed.
    """
    full_c = transfer.full_s / transfer.positive.slope
    signs = (1.0, -1.0) if signed else (1.0,)
    charge_c = np.array([sign * share * full_c for sign in signs for share in SHARES])
    seeds = rng.integers(1, 1 << 31, converters)
    pulse_s = np.array(
        [
            [_pulse(design, transfer, float(each), seed, signed=signed) for each in charge_c]
            for seed in seeds.tolist()
        ]
    )
    return ConverterSpread(charge_c, pulse_s, *_errors(charge_c, pulse_s, full_c))


def _pulse(
    design: Design, transfer: Transfer, charge_c: float, seed: int, *, signed: bool
) -> float:
    """Length (s) of a pulse of the converter whose thresholds are drawn from ``seed``."""
    levels, times = design.levels, Times.of(design, signed=signed)
    volts = levels.logic_v
    deck = DeckText(design, rng=np.random.default_rng(seed))
    for name, value in (
        *(("vconv", volts), ("vref", volts), ("mid", levels.bit_line_v)),
        *(("cells", levels.cell_v), ("row", levels.middle_v), ("off", levels.write_off_v)),
    ):
        deck.source(name, name, value)
    deck.pair("reset", "resetb", volts, times.resets)
    for name, begin_s in (("hold", times.hold_s), ("conv", times.pulse_s)):
        deck.pair(name, f"{name}b", volts, [(begin_s, times.end_s)])
    gates = [("gatep", transfer.gates.lifted_s), ("gaten", transfer.gates.lowered_s)]
    for name, opened_s in gates[: 1 + signed]:
        deck.wire(name, 0, volts, [(times.convert_s + opened_s - EDGE_S / 2, times.stop_s)])
    kind = deck.copy(OUTPUT if signed else SCORE, 0)
    wires = "bl reset resetb conv hold holdb"
    own = "sign gatep gaten pulse sign done vbp vbn" if signed else "gatep pulse done vbp"
    deck.add(
        "xref vbp vbn vref 0 references",
        f"xconv {wires} {own} mid vconv 0 {kind}",
        f"xidle bl 0 cells row off s cells 0 cell m={levels.columns}",
        f".ic v(bl)={levels.bit_line_v:g} v(s)={levels.middle_v:g}",
    )
    inject(deck, "in", "bl", charge_c, times)
    deck.save("v(pulse)")
    step_s = 2 * STEP * levels.clock_s
    waves = simulate(deck.transient("one of the different converters", times.stop_s, step_s))
    return high_s(waves, "v(pulse)", volts / 2, times.convert_s, times.stop_s)


def _errors(charge_c: Floats, pulse_s: Floats, full_c: float) -> tuple[Floats, Floats]:
    """Offset and gain of each converter, against the mean of all.

    For each sign a line goes through two points. An offset shifts both signs' charges one way.
    """
    gains, offsets = [], []
    for begin in range(0, len(charge_c), len(SHARES)):
        low_c, high_c = (float(abs(charge_c[begin + place])) for place in (0, 1))
        low_s, high_s_ = pulse_s[:, begin], pulse_s[:, begin + 1]
        slope = (high_s_ - low_s) / (high_c - low_c)
        at_zero = low_s / slope - low_c
        gains.append(slope / slope.mean() - 1)
        offsets.append(np.sign(charge_c[begin]) * (at_zero - at_zero.mean()) / full_c)
    return np.mean(offsets, axis=0), np.stack(gains, axis=1)


def jitter_s(design: Design, transfer: Transfer, *, signed: bool) -> float | None:
    """Spread of a pulse's length by the noise that switches freeze, s; None: no such sizes.

    Counted, not simulated: k T / C of the zeroed input, ``c_zero``, and of the line, over the
    slope of the ramp. Noise of the comparator's transistors while it compares is missing.
    """
    zero_f = design.sizes.get("c_zero")
    line_f = design.sizes.get("c_output" if signed else "c_score")
    if zero_f is None or line_f is None:
        return None
    celsius = design.levels.temperature_c
    noise_v = math.hypot(frozen_noise_v(zero_f, celsius), frozen_noise_v(line_f, celsius))
    return noise_v * line_f * transfer.positive.slope
