"""Turns query codes into pulses on the word lines: the longer the pulse, the larger the code."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape
from gaincell.hdl.readout.bit_planes import greater_than, planes_of


class QueryPulses(wiring.Component):
    """One pulse per dimension, all starting together, ``step_cycles`` long per step of the code.

    Pulses begin in the cycle after ``start`` and end within ``pulse_cycles``. Each pulse comes from
    a flop and has no glitches. Codes must hold from ``start`` to the end of the longest pulse.
    After reset no pulse runs.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    start : In(1)
        Pulses begin in the next cycle. Must be low while pulses run.
    code : In
        D query codes.
    pulse : Out(D)
    """

    def __init__(self, config: HeadConfig) -> None:
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "code": In(data.ArrayLayout(unsigned(config.query_bits), config.head_dim)),
                "pulse": Out(config.head_dim),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        planes = planes_of(self.code, config.query_bits)
        step = Signal(range(config.query_max + 1))
        subcycle = Signal(index_shape(config.step_cycles))
        running = Signal()
        step_ends = Signal()
        high = greater_than(m, "code_above_step", planes, step)

        m.d.comb += step_ends.eq(self.start | (running & (subcycle == config.step_cycles - 1)))
        with m.If(step_ends):
            m.d.sync += [
                self.pulse.eq(high),
                subcycle.eq(0),
                step.eq(step + 1),
                running.eq(step != config.query_max),
            ]
        with m.Elif(running):
            m.d.sync += subcycle.eq(subcycle + 1)
        return m
