"""What a write leaves in a cell, and what its neighbours' writes and reads do to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, STEP, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.charges import SETTLE_S
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats, at


@dataclass(frozen=True)
class Writes:
    """Cells of all codes, each once over the lowest and once over the highest code.

    pedestal_v : (codes,) stored less written voltage
    memory_v : (codes,) what the code before changes: over the highest less over the lowest
    row_v : (codes,) by how much a swing of the idle write bit line over its range moves the node
    read_v : (codes,) by how much a full read has moved the node when it is over
    """

    pedestal_v: Floats
    memory_v: Floats
    row_v: Floats
    read_v: Floats


def writes(design: Design) -> Writes:
    """Simulate two writes, a swing of the row, and a read.

    Raises
    ------
    NoResult
        The simulation failed.
    """
    levels = design.levels
    length_s = levels.write_cycles * levels.clock_s - 1e-9
    gap_s = 2 * SETTLE_S
    begins = [0.5e-9, 0.5e-9 + length_s + gap_s]
    written_s = begins[1] + length_s
    swing_s, read_s = written_s + gap_s, written_s + 4 * gap_s
    stop_s = read_s + levels.full_pulse_s + gap_s
    deck = DeckText(design)
    on, off = levels.write_on_v, levels.write_off_v
    corners = [(0.0, off)]
    for begin_s in begins:
        ends = (begin_s, begin_s + EDGE_S, begin_s + length_s, begin_s + length_s + EDGE_S)
        corners += list(zip(ends, (off, on, on, off), strict=True))
    deck.source("wwl", "wwl", corners)
    deck.source("cells", "vcells", levels.cell_v)
    deck.source("bl", "bl", levels.bit_line_v)
    deck.pair("wl", "wlb", levels.cell_v, [(read_s, read_s + levels.full_pulse_s)])
    low, high = levels.lowest_v, levels.full_scale_v
    change_s, back_s = begins[0] + length_s + SETTLE_S, swing_s + gap_s
    befores = (low, high)
    for number in range(2 * levels.codes):
        code, before = number // 2, befores[number % 2]
        volts = levels.stored_v(code)
        row = [(0.0, before), (change_s, before), (change_s + EDGE_S, volts)]
        row += [(written_s + SETTLE_S, volts), (written_s + SETTLE_S + EDGE_S, low)]
        row += [(swing_s + EDGE_S, low), (swing_s + 2 * EDGE_S, high), (back_s, high)]
        row += [(back_s + EDGE_S, levels.middle_v)]
        deck.source(f"wb{number}", f"wb{number}", row)
        deck.add(f"xcell{number} bl wl wlb wb{number} wwl s{number} vcells 0 cell")
        deck.add(f".ic v(s{number})={before:g}")
        deck.save(f"v(s{number})")
    waves = simulate(deck.transient("the writes of a cell", stop_s, 2 * STEP * levels.clock_s))

    def node(time_s: float) -> Floats:
        values = [at(waves, f"v(s{number})", time_s) for number in range(2 * levels.codes)]
        return np.array(values).reshape(levels.codes, 2)

    low_row, high_row = node(swing_s), node(back_s - EDGE_S)
    idle, read = node(read_s - EDGE_S), node(stop_s)
    wanted = np.array([levels.stored_v(code) for code in range(levels.codes)])
    return Writes(
        idle.mean(axis=1) - wanted,
        idle[:, 1] - idle[:, 0],
        (high_row - low_row).mean(axis=1),
        (read - idle).mean(axis=1),
    )
