"""The age of a clear or a refresh: cycles since it was launched."""

from amaranth import Module, Signal
from amaranth.hdl import Value

from gaincell.schedule import Schedule


def write_age(m: Module, start: Value, timing: Schedule) -> Signal:
    """Cycles since ``start``, 0 while nothing is written.

    A clear or a refresh is written at the offsets of a token's key and value. So it keeps the same
    distance from the phases of tokens in both arrays.
    """
    age = Signal(range(timing.v_write.end + 1), name="write_age")
    with m.If(start):
        m.d.sync += age.eq(1)
    with m.Elif(age == timing.v_write.end):
        m.d.sync += age.eq(0)
    with m.Elif(age != 0):
        m.d.sync += age.eq(age + 1)
    return age
