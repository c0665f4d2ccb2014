"""Noise of a read: the current of a cell's transistors on the bit line, over a full pulse."""

from __future__ import annotations

import math

import numpy as np

from gaincell.spice.deck import DeckText
from gaincell.spice.design import Design
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats

BOLTZMANN_J_PER_K = 1.380649e-23
LOWEST_HZ, HIGHEST_HZ = 1e4, 1e11
"""Slower noise is mismatch to a token; faster noise does not reach a charge."""


def read_noise_c(design: Design, stored_v: float) -> float:
    """Standard deviation (C) of the charge of a full pulse at a stored voltage.

    The charge is the current integrated over the pulse's length T. Its variance is the integral of
    the current's spectrum times (sin(pi f T) / (pi f))^2.

    Raises
    ------
    NoResult
        The simulation failed.
    """
    levels = design.levels
    deck = DeckText(design)
    for name, volts in (("sup", levels.cell_v), ("wl", levels.cell_v), ("wlb", 0.0)):
        deck.source(name, name, volts)
    deck.source("off", "off", levels.write_off_v)
    deck.source("row", "row", levels.bit_line_v)
    deck.add(f"vs s 0 {stored_v:g} ac 1", f"vm bl 0 {levels.bit_line_v:g}", "hm out 0 vm 1")
    deck.add("xcell bl wl wlb row off s sup 0 cell")
    deck.save("all")
    line = f".noise v(out) vs dec 20 {LOWEST_HZ:g} {HIGHEST_HZ:g}"
    waves = simulate(deck.analysis(line, "the noise of a cell", plots=2))
    density: Floats = waves[next(name for name in waves if "onoise" in name)] ** 2
    frequency = waves["frequency"]
    length_s = levels.full_pulse_s
    # Beyond 1/T the window falls as 1/f^2: a fine grid follows its zeros.
    fine = np.geomspace(LOWEST_HZ, HIGHEST_HZ, 200_000)
    window = (np.sin(np.pi * fine * length_s) / (np.pi * fine)) ** 2
    spectrum = np.exp(np.interp(np.log(fine), np.log(frequency), np.log(density)))
    return math.sqrt(float(np.trapezoid(spectrum * window, fine)))


def frozen_noise_v(capacitance_f: float, temperature_c: float) -> float:
    """Standard deviation (V) of the charge that a write freezes: sqrt(k T / C)."""
    return math.sqrt(BOLTZMANN_J_PER_K * (temperature_c + 273.15) / capacitance_f)
