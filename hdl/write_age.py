"""How far a write of both arrays has come that is not part of a token's phases."""

from amaranth import Module, Signal
from amaranth.hdl import Value

from gaincell.schedule import Schedule


def write_age(m: Module, start: Value, timing: Schedule) -> tuple[Signal, Signal]:
    """Cycles since ``start``, now and as of the next cycle; 0 before and after.

    A clear or a refresh is written at the offsets at which a token's key and value would be, so
    that it keeps its distance from the tokens' phases in both arrays.
    """
    age = Signal(range(timing.v_write.end + 1), name="write_age")
    next_age = Signal.like(age, name="next_write_age")
    with m.If(start):
        m.d.comb += next_age.eq(1)
    with m.Elif((age != 0) & (age != timing.v_write.end)):
        m.d.comb += next_age.eq(age + 1)
    m.d.sync += age.eq(next_age)
    return age, next_age
