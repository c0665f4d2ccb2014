"""The readouts: signed output pulses of all sub-tiles to their sum per dimension."""

from gaincell.hdl.readout.base import Readout
from gaincell.hdl.readout.counters import CounterReadout
from gaincell.hdl.readout.popcount import PopcountReadout

READOUTS: dict[str, type[Readout]] = {"popcount": PopcountReadout, "counters": CounterReadout}
"""The component of each readout that ``gaincell.config.READOUT_NAMES`` names."""
