"""The DACs of a row's code: levels, settling and energy of a ladder and its selectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, DeckText
from gaincell.spice.design import Design
from gaincell.spice.measure.charges import SETTLE_S
from gaincell.spice.netlist import LEVELS
from gaincell.spice.ngspice import simulate
from gaincell.spice.waves import Floats, at, integral

LADDER, SELECT = "write_ladder", "write_select"
BEGIN_S = 0.5e-9
LEAST_OHM = 1.0
"""ngspice takes no resistor of 0 Ohm."""


@dataclass(frozen=True)
class Write:
    """One write of all rows of an array.

    line_v : (rows,) write bit lines at the far end, when the write ends
    ladder_j : energy from the supply of ladder and selectors
    control_j : energy of the wires of bits and ``go``
    """

    line_v: Floats
    ladder_j: float
    control_j: float


@dataclass(frozen=True)
class Dac:
    """The DACs of one array, V by code.

    level_v : one row writes, all others keep their code
    together_v : all rows write one code, from the farther end of the range
    drawn_v : (rows,) random codes after random ones, less the level of their code
    energy_j : of the random codes, all rows, supply and control wires
    """

    level_v: Floats
    together_v: Floats
    drawn_v: Floats
    energy_j: float


def write_dac(design: Design, rng: np.random.Generator) -> Dac:
    """Simulate the DACs of one array, whose rows are as many as a line has cells.

    Raises
    ------
    NoResult
        A simulation failed.
    """
    levels = design.levels
    last, rows = levels.codes - 1, levels.columns
    codes = range(levels.codes)
    far = [last if code <= last / 2 else 0 for code in codes]
    alone = [write_rows(design, [code], [code]) for code in codes]
    together = [write_rows(design, [far[code]] * rows, [code] * rows) for code in codes]
    befores = rng.integers(0, levels.codes, rows).tolist()
    drawn = rng.integers(0, levels.codes, rows).tolist()
    random = write_rows(design, befores, drawn)
    level_v = np.array([each.line_v[0] for each in alone])
    return Dac(
        level_v,
        np.array([each.line_v[0] for each in together]),
        random.line_v - level_v[drawn],
        random.ladder_j + random.control_j,
    )


def write_rows(design: Design, befores: Sequence[int], codes: Sequence[int]) -> Write:
    """Write ``codes`` to rows whose lines have the levels of the codes ``befores``.

    A line has the wire of ``cells_on_row`` cells and the junctions of their transistors.
    """
    levels, volts = design.levels, design.levels.logic_v
    end_s = BEGIN_S + levels.write_cycles * levels.clock_s - SETTLE_S
    deck = DeckText(design)
    deck.source("ladder", "vladder", volts)
    deck.source("cells", "vcells", levels.cell_v)
    deck.source("off", "off", levels.write_off_v)
    deck.source("bl", "bl", levels.bit_line_v)
    deck.pair("go", "gob", volts, [(BEGIN_S, end_s)])
    taps = " ".join(LEVELS)
    deck.add(f"xladder go {taps} vladder 0 {LADDER}")
    groups = Counter(zip(befores, codes, strict=True))
    controls = ["go", "gob"]
    for number, ((before, code), rows) in enumerate(groups.items()):
        bits = []
        for bit in range(levels.code_bits):
            name = f"b{number}_{bit}"
            old, new = (volts * (each >> bit & 1) for each in (before, code))
            for wire, one, other in ((name, old, new), (f"{name}b", volts - old, volts - new)):
                points = [(0.0, one), (BEGIN_S, one), (BEGIN_S + EDGE_S, other)]
                deck.source(wire, wire, points if one != other else one)
                bits.append(wire)
        near, far = f"near{number}", f"far{number}"
        deck.add(f"xsel{number} {taps} {' '.join(bits)} go gob {near} vladder 0 {SELECT} m={rows}")
        half_f = rows * levels.cells_on_row * levels.row_f / 2
        ohm = max(LEAST_OHM, levels.cells_on_row * levels.row_ohm) / rows
        deck.add(f"rrow{number} {near} {far} {ohm:g}")
        deck.add(*(f"c{end} {end} 0 {half_f:g}" for end in (near, far)))
        idle = f"bl 0 vcells {far} off s{number} vcells 0 cell m={rows * levels.cells_on_row}"
        deck.add(f"xcells{number} {idle}")
        start_v = levels.stored_v(before)
        deck.add(f".ic v({near})={start_v:g} v({far})={start_v:g} v(s{number})={levels.middle_v:g}")
        deck.save(f"v({far})")
        controls += bits
    deck.save("i(vladder)", *(f"i(v{wire})" for wire in controls))
    stop_s = end_s + SETTLE_S
    waves = simulate(deck.transient(f"the write of {len(codes)} rows", stop_s))
    place = {group: number for number, group in enumerate(groups)}
    drawn = (np.maximum(-waves[f"i(v{wire})"], 0.0) for wire in controls)
    currents = [{"time": waves["time"], "i": current} for current in drawn]
    control_c = sum(integral(each, "i", 0.0, stop_s) for each in currents)
    return Write(
        np.array(
            [
                at(waves, f"v(far{place[group]})", end_s)
                for group in zip(befores, codes, strict=True)
            ]
        ),
        -volts * integral(waves, "i(vladder)", 0.0, stop_s),
        volts * control_c,
    )
