"""Charge of a read over stored code and pulse width, each cell with its storage node floating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaincell.spice.deck import EDGE_S, DeckText
from gaincell.spice.design import Design
from gaincell.spice.ngspice import simulate
from gaincell.spice.raw_file import Waves
from gaincell.spice.waves import Floats, at, integral

STRICT = "gmin=1e-14 abstol=1e-14 chgtol=1e-17 reltol=1e-4 method=gear"
"""For small charges."""
SETTLE_S = 1e-9
"""From the end of a write to a read, and behind a read."""
FIRST_CYCLES = 1
"""Clocks of the reads before the one that counts."""


@dataclass(frozen=True)
class CellTimes:
    """When a cell is written and read, s.

    As in a head, a conversion and a reset lie between two reads, and a write ends with them. A
    cell is read for ``FIRST_CYCLES`` before the write, and again before the read that counts: its
    inner nodes keep something of the read before, some of them for longer than a reset.

    reset_s : length of a reset, which ends with the next read
    """

    early: tuple[float, float]
    write_s: float
    written_s: float
    first: tuple[float, float]
    reset_s: float
    read_s: float
    stop_s: float

    @classmethod
    def of(cls, design: Design) -> CellTimes:
        """Of one write, the short reads before and behind it, and a read of a full pulse."""
        levels = design.levels
        first_s = FIRST_CYCLES * levels.clock_s
        write_s, reset_s = (
            cycles * levels.clock_s for cycles in (levels.write_cycles, levels.reset_cycles)
        )
        between_s = levels.full_pulse_s + reset_s
        early = (SETTLE_S / 2, SETTLE_S / 2 + first_s)
        first_begin_s = early[1] + max(between_s, write_s + SETTLE_S)
        first = (first_begin_s, first_begin_s + first_s)
        written_s = first_begin_s - SETTLE_S
        read_s = first[1] + between_s
        stop_s = read_s + levels.full_pulse_s + SETTLE_S
        return cls(early, written_s - write_s + SETTLE_S, written_s, first, reset_s, read_s, stop_s)

    def pulses(self, length_s: float) -> list[tuple[float, float]]:
        """Begin and end of all reads, the last of ``length_s``."""
        return [self.early, self.first, (self.read_s, self.read_s + length_s)]


@dataclass(frozen=True)
class Charges:
    """What cells gave: one row for each stored voltage, one column for each width.

    stored_v : (V,) voltage that was written
    node_v : (V,) storage node before the read
    widths_s : (W,) lengths of the pulse
    charge_c : (V, W) charge drawn from the bit line, C: positive where it falls
    supply_j : (V, W) energy from the cells' supply
    line_j : (W,) energy of both word lines for one cell and pulse, without wire
    row_j : (V,) energy of the write bit line for one cell and write, without wire, after code 0
    write_line_j : energy of the write word line for one cell and write, without wire
    """

    stored_v: Floats
    node_v: Floats
    widths_s: Floats
    charge_c: Floats
    supply_j: Floats
    line_j: Floats
    row_j: Floats
    write_line_j: float


def charges(design: Design, stored_v: Sequence[float], widths: Sequence[float]) -> Charges:
    """Charges of cells on bit lines that are held at the design's ``bit_line_v``.

    Parameters
    ----------
    widths : lengths of pulses in clocks

    Raises
    ------
    NoResult
        The simulation failed.
    """
    levels, times = design.levels, CellTimes.of(design)
    deck = DeckText(design, options=STRICT)
    write_lines(deck, times)
    for place, width in enumerate(widths):
        length_s = width * levels.clock_s
        deck.pair(f"wl{place}", f"wlb{place}", levels.cell_v, times.pulses(length_s))
        deck.save(f"i(vwl{place})", f"i(vwlb{place})")
        for row, volts in enumerate(stored_v):
            number = place * len(stored_v) + row
            one_cell(deck, number, volts, place, times)
    waves = simulate(deck.transient("the table of charges", times.stop_s))
    shape = (len(widths), len(stored_v))
    numbers = range(len(stored_v) * len(widths))
    begin_s, end_s = times.read_s - EDGE_S, times.stop_s

    def each(values: list[float]) -> Floats:
        table: Floats = np.array(values).reshape(shape).T
        return table

    cells, places = len(stored_v), range(len(widths))
    lines = [f"i(v{name}{place})" for name in ("wl", "wlb") for place in places]
    line_c = np.array([_positive(waves, each, begin_s, end_s) for each in lines])
    swing_v = levels.write_on_v - levels.write_off_v
    write_c = _positive(waves, "i(vwwl)", 0.0, times.written_s)
    return Charges(
        np.array(stored_v),
        np.array([at(waves, f"v(s{row})", begin_s) for row in range(len(stored_v))]),
        np.array(widths) * levels.clock_s,
        each([integral(waves, f"i(vbl{number})", begin_s, end_s) for number in numbers]) * -1,
        each(
            [
                -levels.cell_v * integral(waves, f"i(vsup{number})", begin_s, end_s)
                for number in numbers
            ]
        ),
        line_c.reshape(2, -1).sum(axis=0) * levels.cell_v / cells,
        np.array(
            [
                -volts * integral(waves, f"i(vwb{row})", 0.0, times.written_s)
                for row, volts in enumerate(stored_v)
            ]
        ),
        write_c * swing_v / len(numbers),
    )


def _positive(waves: Waves, source: str, begin_s: float, end_s: float) -> float:
    """Charge (C) that a source delivers: of its two edges the one that takes from the supply."""
    delivered = {"time": waves["time"], "i": np.maximum(-waves[source], 0.0)}
    return integral(delivered, "i", begin_s, end_s)


def write_lines(deck: DeckText, times: CellTimes) -> None:
    """The write word line ``wwl`` that all cells of a deck share."""
    levels = deck.design.levels
    written = [(times.write_s, times.written_s)]
    deck.wire("wwl", levels.write_off_v, levels.write_on_v, written)
    deck.save("i(vwwl)")


def one_cell(
    deck: DeckText,
    number: int,
    volts: float,
    place: int,
    times: CellTimes,
    kind: str = "cell",
) -> None:
    """A cell that is written ``volts``, on a held bit line and word lines number ``place``."""
    levels = deck.design.levels
    after_s = times.written_s + SETTLE_S
    deck.source(
        f"wb{number}",
        f"wb{number}",
        [(0.0, volts), (after_s, volts), (after_s + 4 * EDGE_S, levels.middle_v)],
    )
    deck.source(f"bl{number}", f"bl{number}", levels.bit_line_v)
    deck.source(f"sup{number}", f"sup{number}", levels.cell_v)
    ports = f"bl{number} wl{place} wlb{place} wb{number} wwl s{number} sup{number} 0"
    deck.add(f"xcell{number} {ports} {kind}", f".ic v(s{number})={levels.middle_v:g}")
    deck.save(f"i(vbl{number})", f"i(vsup{number})", f"v(s{number})", f"i(vwb{number})")
