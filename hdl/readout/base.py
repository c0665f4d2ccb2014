"""The ports and the timing that every readout has."""

# amaranth: UnusedElaboratable=no
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig


class Readout(wiring.Component):
    """Signed output pulses of all sub-tiles to their sum per dimension.

    Output phases come one at a time, with ``READOUT_DRAIN_CYCLES`` or more between them. ``done``
    comes ``sync_stages + 1`` cycles after the end of a phase. Reset abandons the phase.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    converting : In(1)
        High in the ``readout_max`` cycles in which output pulses are on the wires.
    pulse, sign : In(tiles * D)
        From the arrays. Signs must hold until ``sync_stages`` cycles after the phase.
    done : Out(1)
        High for one cycle: ``total`` is the sum of the phase.
    total : Out(result_width * D)
        Signed sums as bit planes: bit b of dimension d at b * D + d. Holds from ``done`` until
        ``sync_stages`` cycles into the next phase.
    """

    def __init__(self, config: HeadConfig) -> None:
        self.config = config
        wires = config.tiles * config.head_dim
        super().__init__(
            {
                "converting": In(1),
                "pulse": In(wires),
                "sign": In(wires),
                "done": Out(1),
                "total": Out(config.result_width * config.head_dim),
            }
        )
