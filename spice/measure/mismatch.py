"""Monte Carlo of cells: each with thresholds of its own, read at every stored code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, STEP, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.charges import STRICT, CellTimes, one_cell, write_lines
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats, at, integral


@dataclass(frozen=True)
class Spread:
    """Cells that differ, each written with every code and read by a full pulse.

    charge_c : (cells, codes)
    node_v : (cells, codes) storage node before the read
    """

    charge_c: Floats
    node_v: Floats

    def deviations(self) -> tuple[float, float, float]:
        """Spread of gain, of offset (C) and of what they leave (C), against the mean response.

        A cell's charges are (1 + gain) mean + offset, by least squares over the codes.
        """
        mean = self.charge_c.mean(axis=0)
        basis = np.stack([mean, np.ones_like(mean)], axis=1)
        solved = np.linalg.lstsq(basis, self.charge_c.T, rcond=None)[0]
        left = self.charge_c.T - basis @ solved
        freedom = self.charge_c.size - 2 * len(self.charge_c)
        rest = float(np.sqrt(np.sum(left**2) / freedom))
        return float(solved[0].std(ddof=1)), float(solved[1].std(ddof=1)), rest


def spread(design: Design, cells: int, rng: np.random.Generator) -> Spread:
    """Simulate ``cells`` different cells.

    Raises
    ------
    NoResult
        The simulation failed.
    """
    levels, times = design.levels, CellTimes.of(design)
    deck = DeckText(design, rng=rng, options=STRICT)
    write_lines(deck, times)
    deck.pair("wl0", "wlb0", levels.cell_v, times.pulses(levels.full_pulse_s))
    for cell in range(cells):
        kind = deck.copy("cell", cell)
        for code in range(levels.codes):
            number = cell * levels.codes + code
            one_cell(deck, number, levels.stored_v(code), 0, times, kind)
    step_s = 2 * STEP * levels.clock_s
    waves = simulate(deck.transient(f"{cells} cells with mismatch", times.stop_s, step_s))
    begin_s = times.read_s - EDGE_S
    numbers = range(cells * levels.codes)
    charge = [-integral(waves, f"i(vbl{number})", begin_s, times.stop_s) for number in numbers]
    node = [at(waves, f"v(s{number})", begin_s) for number in numbers]
    shape = (cells, levels.codes)
    return Spread(np.array(charge).reshape(shape), np.array(node).reshape(shape))
