"""The driver of a row's word lines in one sub-tile: what it takes, and what it does to a pulse."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.spice.deck import DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.charges import SETTLE_S
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import delivered_j, high_s, integral

DRIVER = "line_driver"
PULSE_CYCLES = 8
BEGIN_S = 0.5e-9
STEP_S = 20e-12


@dataclass(frozen=True)
class Drive:
    """One pulse on the lines of one row in one sub-tile.

    energy_j : of the driver's supply and input, and so of both word lines, too
    longer_s, longer_complement_s : pulse of each line at its far end less that of the input, s
    """

    energy_j: float
    longer_s: float
    longer_complement_s: float


def line_drive(design: Design) -> Drive:
    """Simulate one driver with its cells and their wire.

    Raises
    ------
    NoResult
        The simulation failed.
    """
    levels, volts = design.levels, design.levels.cell_v
    end_s = BEGIN_S + PULSE_CYCLES * levels.clock_s
    deck = DeckText(design)
    for name, value in (
        *(("drive", volts), ("cells", volts), ("bl", levels.bit_line_v)),
        *(("row", levels.middle_v), ("off", levels.write_off_v)),
    ):
        deck.source(name, name, value)
    deck.wire("a", 0.0, volts, [(BEGIN_S, end_s)])
    deck.add(f"xdrive a wl wlb drive 0 {DRIVER}")
    near = far = ("wl", "wlb")
    if levels.line_ohm:
        far = ("wlfar", "wlbfar")
        ohm = levels.columns * levels.line_ohm
        deck.add(*(f"r{end} {begin} {end} {ohm:g}" for begin, end in zip(near, far, strict=True)))
    deck.add(f"xcell bl {' '.join(far)} row off s cells 0 cell m={levels.columns}")
    deck.add(f".ic v(s)={levels.middle_v:g}")
    half_f = levels.columns * levels.line_f / 2
    deck.add(*(f"c{at} {line} 0 {half_f:g}" for at, line in enumerate((*near, *far))))
    deck.save(*(f"v({line})" for line in far), "i(vdrive)", "i(va)")
    stop_s = end_s + SETTLE_S
    waves = simulate(deck.transient("the driver of word lines", stop_s, STEP_S))
    taken = {"time": waves["time"], "i": (-waves["i(va)"]).clip(0.0)}
    length_s = end_s - BEGIN_S
    high = [high_s(waves, f"v({line})", volts / 2, 0.0, stop_s) for line in far]
    return Drive(
        delivered_j(waves, "i(vdrive)", volts, 0.0, stop_s)
        + volts * integral(taken, "i", 0.0, stop_s),
        high[0] - length_s,
        stop_s - high[1] - length_s,
    )
