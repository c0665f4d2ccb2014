"""Strobes that tell a readout what to do in each cycle of its pipeline."""

from typing import NamedTuple

from amaranth import Cat, Module, Signal
from amaranth.hdl import Value


class SampleStrobes(NamedTuple):
    """Strobes counted from the output phase's first cycle, c, with n samples and s sync stages.

    prepare : cycle c + s - 1, the sampling flops still show the idle pulse, signs are valid
    prepared : one cycle later
    sample : cycles c + s .. c + s + n - 1, the sampling flops show sample 0 .. n - 1
    sampled : one cycle later
    finish : the last cycle of ``sampled``
    done : one cycle later
    """

    prepare: Value
    prepared: Value
    sample: Value
    sampled: Value
    finish: Value
    done: Value


def sample_strobes(m: Module, converting: Value, sync_stages: int) -> SampleStrobes:
    """Delay ``converting``, high in the cycles whose pulses are sampled, along the pipeline.

    Phases may follow each other after ``READOUT_DRAIN_CYCLES`` idle cycles.
    """
    delayed = Signal(sync_stages + 2, name="converting_delayed")
    m.d.sync += delayed.eq(Cat(converting, delayed))
    history = Cat(converting, delayed)
    before, sample, sampled, after = (history[sync_stages + i] for i in (-1, 0, 1, 2))
    return SampleStrobes(
        prepare=before & ~sample,
        prepared=sample & ~sampled,
        sample=sample,
        sampled=sampled,
        finish=sampled & ~sample,
        done=after & ~sampled,
    )


def synchronized(m: Module, pulses: Value, converting: Value, sync_stages: int) -> Signal:
    """``pulses`` behind sampling flops, since they end asynchronously to the clock.

    The flops sample while ``converting``, and once more to show the idle pulses. Then they hold.
    """
    for stage in range(sync_stages):
        flop = Signal(len(pulses), name=f"pulse_sampled_{stage}", reset_less=True)
        was_converting = Signal(name=f"converting_{stage}", init=1)
        m.d.sync += was_converting.eq(converting)
        with m.If(converting | was_converting):
            m.d.sync += flop.eq(pulses)
        pulses, converting = flop, was_converting
    return flop
