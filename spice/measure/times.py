"""When a column is reset, read and converted, and when its pulses may begin."""

from __future__ import annotations

from dataclasses import dataclass

from gaincell.spice.design import Design
from gaincell.spice.measure.charges import SETTLE_S, CellTimes

OPEN_S = 0.2e-9
"""From the end of reset to the first pulse: the switch has opened by then."""
HOLD = 0.15
"""From the end of a read until the converter holds, clocks."""
SCORE, OUTPUT = "score_converter", "output_converter"


@dataclass(frozen=True)
class Times:
    """Phases of one token in a column, s; ``cell`` has the write and the reads before.

    convert_s : end of the read
    hold_s : the converter holds
    pulse_s : a pulse may begin
    """

    cell: CellTimes
    convert_s: float
    hold_s: float
    pulse_s: float
    end_s: float
    stop_s: float

    @classmethod
    def of(cls, design: Design, *, signed: bool) -> Times:
        """One write, a short read before and behind it, one reset, one read, one conversion."""
        levels, cell = design.levels, CellTimes.of(design)
        convert_s = cell.read_s + levels.full_pulse_s
        late_s = levels.late_cycles * levels.clock_s if signed else 0.0
        end_s = convert_s + levels.full_pulse_s + late_s
        hold_s, pulse_s = (
            convert_s + delay * levels.clock_s for delay in (HOLD, levels.conv_clocks)
        )
        return cls(cell, convert_s, hold_s, pulse_s, end_s, end_s + SETTLE_S)

    @property
    def reset_s(self) -> float:
        """Begin of the reset before the read that counts."""
        return self.read_s - self.cell.reset_s

    @property
    def read_s(self) -> float:
        """Begin of that read."""
        return self.cell.read_s

    @property
    def resets(self) -> list[tuple[float, float]]:
        """Begin and end of the reset switch's pulses: one before each read."""
        cell = self.cell
        begins = (cell.early[0], cell.first[0], cell.read_s)
        return [(max(0.0, begin - cell.reset_s), begin - OPEN_S) for begin in begins]


@dataclass(frozen=True)
class Gates:
    """When the converters without cells let pulses begin, s behind the end of the read.

    lifted : for a line that is lifted: of both stages
    lowered : for one that is lowered; 0 of the first stage
    """

    lifted_s: float
    lowered_s: float
