"""The age of a clear or a refresh: cycles since it was launched."""

from amaranth import Module, Signal
from amaranth.hdl import Value

from gaincell.schedule import Schedule


def write_age(m: Module, start: Value, timing: Schedule) -> tuple[Signal, Signal]:
    """Cycles since ``start``: the age now and in the next cycle; 0 while nothing is written.

    A clear or a refresh is written at the offsets of a token's key and value. So it keeps the same
    distance from the phases of tokens in both arrays.
    """
    age = Signal(range(timing.v_write.end + 1), name="write_age")
    next_age = Signal.like(age, name="next_write_age")
    with m.If(start):
        m.d.comb += next_age.eq(1)
    with m.Elif((age != 0) & (age != timing.v_write.end)):
        m.d.comb += next_age.eq(age + 1)
    m.d.sync += age.eq(next_age)
    return age, next_age
