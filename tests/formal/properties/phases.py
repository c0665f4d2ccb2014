"""Converter stages: one thing at a time, at the offsets of the schedule."""

from functools import reduce
from operator import or_

from formal.bench import HeadBench


def integrators_do_one_thing(b: HeadBench) -> None:
    """An integrator is reset, integrates or converts; one bank at a time is read or converted."""
    array = b.array
    for stage in ("k", "v"):
        enables = [getattr(array, f"{stage}_{name}") for name in ("reset", "integrate", "convert")]
        reset, integrate, convert = enables
        b.always((reset & integrate) == 0)
        b.always((reset & convert) == 0)
        b.always((integrate & convert) == 0)
        for enable in enables:
            b.always((enable & (enable - 1)) == 0)
    b.always(array.k_convert == array.v_integrate)


def phases_follow_each_other(b: HeadBench) -> None:
    """Every launch runs through every phase at its offsets, and nothing else does."""
    timing = b.config.timing
    launch = (b.accept & ~b.starts) | b.delayed(b.starts, timing.clear_cycles)
    ages = [b.wire("launch", launch)]
    for age in range(timing.out.end):
        ages.append(b.wire(f"launched_{age + 1}", b.held(ages[-1])))
    phases = {
        "k_reset": timing.k_reset,
        "k_integrate": timing.qk,
        "k_convert": timing.av,
        "v_reset": timing.v_reset,
        "v_integrate": timing.av,
        "v_convert": timing.out,
    }
    for name, span in phases.items():
        b.always(getattr(b.array, name).any() == reduce(or_, ages[span.start : span.end]))


def queries_inside_integration(b: HeadBench) -> None:
    """A query pulse is high only while a first stage integrates."""
    b.always((b.array.query == 0) | b.array.k_integrate.any())
