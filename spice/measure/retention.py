"""How long a cell keeps its voltage: current and capacitance of the storage node, and the decay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import DeckText
from gaincell.spice.design import Design
from gaincell.spice.fit import NoFit
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats

QUIET = "gmin=1e-20 abstol=1e-20 vntol=1e-9 reltol=1e-4 method=gear"
"""ngspice's own gmin alone would empty a cell in milliseconds."""
POINTS = 61
RAMP_S = 100e-9
"""Time of a ramp over the storage node: its current is the capacitance's, not the leak's."""
LONGEST_S = 1e3


@dataclass(frozen=True)
class Leak:
    """The storage node of an idle cell.

    volts : (P,)
    current_a : (P,) current that leaves the node, A
    capacitance_f : (P,)
    """

    volts: Floats
    current_a: Floats
    capacitance_f: Floats

    @property
    def slope(self) -> Floats:
        """dV/dt, V/s."""
        return -self.current_a / self.capacitance_f

    def rest_v(self) -> float | None:
        """Voltage at which the node stays; None: it drifts to an end.

        Raises
        ------
        NoFit
            There is more than one, or one from which it drifts away: no decay towards one voltage.
        """
        slope = self.slope
        change = np.flatnonzero((slope[:-1] > 0) != (slope[1:] > 0))
        if len(change) > 1 or (len(change) == 1 and slope[change[0] + 1] > 0):
            raise NoFit(
                f"the stored voltage has {len(change)} points of rest: it decays to no single one"
            )
        if not len(change):
            return None
        left = change[0]
        share = slope[left] / (slope[left] - slope[left + 1])
        return float(self.volts[left] + share * (self.volts[left + 1] - self.volts[left]))

    def time_to(self, start_v: float, lost_v: float) -> float:
        """Time (s) in which the node, from ``start_v``, has moved by ``lost_v``; or ``LONGEST_S``.

        Time is the integral of dV over dV/dt, which ends where the node comes to rest.
        """
        towards = np.sign(np.interp(start_v, self.volts, self.slope))
        if towards == 0:
            return LONGEST_S
        steps = np.linspace(0, lost_v, 201)
        speed = towards * np.interp(start_v + towards * steps, self.volts, self.slope)
        if np.any(speed <= 0):
            return LONGEST_S
        return min(LONGEST_S, float(np.trapezoid(1 / speed, steps)))


def leak(
    design: Design,
    *,
    write_line_v: float | None = None,
    row_v: float | None = None,
    bit_line_v: float | None = None,
) -> Leak:
    """The storage node over the range of stored voltages and half a step beyond.

    Parameters
    ----------
    write_line_v, row_v, bit_line_v : of the idle write word line, the write bit line and the bit
        line; by default the design's off level, the middle of stored voltages, and ``vmid``

    Raises
    ------
    NoResult
        A simulation failed.
    """
    levels = design.levels
    off_v = levels.write_off_v if write_line_v is None else write_line_v
    row = levels.middle_v if row_v is None else row_v
    line_v = levels.bit_line_v if bit_line_v is None else bit_line_v
    low, high = levels.lowest_v - levels.step_v / 2, levels.full_scale_v + levels.step_v / 2
    volts = np.linspace(low, high, POINTS)

    def idle(options: str) -> DeckText:
        deck = DeckText(design, options=options)
        for name, level in (("row", row), ("off", off_v), ("bl", line_v), ("wl", 0.0)):
            deck.source(name, name, level)
        for name in ("wlb", "sup"):
            deck.source(name, name, levels.cell_v)
        deck.add("xcell bl wl wlb row off s sup 0 cell")
        deck.save("v(s)", "i(vs)")
        return deck

    deck = idle(QUIET)
    deck.source("s", "s", 0.0)
    step = (high - low) / (POINTS - 1)
    sweep = simulate(
        deck.analysis(f".dc vs {low:.9g} {high + step / 2:.9g} {step:.9g}", "the leak of a cell")
    )
    current = np.interp(volts, sweep["v(s)"], -sweep["i(vs)"])
    deck = idle("gmin=1e-18 abstol=1e-17 chgtol=1e-20 reltol=1e-5 method=gear")
    deck.source("s", "s", [(0.0, low), (1e-9, low), (1e-9 + RAMP_S, high)])
    ramp = simulate(
        deck.transient("the capacitance of a cell", 1e-9 + RAMP_S, RAMP_S / (4 * POINTS))
    )
    rising = ramp["time"] > 1e-9 + RAMP_S / 500
    per_s = (high - low) / RAMP_S
    capacitance = np.interp(volts, ramp["v(s)"][rising], -ramp["i(vs)"][rising]) / per_s
    # current into the node's source is what the node loses to the cell
    return Leak(volts, current, capacitance - current / per_s)
