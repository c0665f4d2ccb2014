"""Reads the wires of a recorded co-simulation from a VCD or FST file, cycle by cycle."""

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pywellen

CLOCK = "tb.cycle"
"""The wire that counts clock cycles: each change begins a cycle."""


def read_cycles(
    waveform: Path, widths: dict[str, int], may_be_unknown: Container[str] = ()
) -> dict[str, list[int]]:
    """Value of each wire at the end of every clock cycle after the latest reset.

    Parameters
    ----------
    waveform : Path
        VCD or FST file of the test bench ``cocotb_tests/bench/tb.v``.
    widths : dict
        Wires of ``tb`` to read, by name, and the bits that each must have.
    may_be_unknown : container of str
        Wires without meaning in some cycles: their unknown values read as 0.

    Raises
    ------
    ValueError
        The file cannot be read, lacks a wire, or a wire has another width or an unknown value.
    """
    variables = _variables(waveform)
    for name, width in widths.items():
        found = _variable(variables, f"tb.{name}", waveform).bitwidth
        if found != width:
            raise ValueError(
                f"waveform {waveform} has tb.{name} of {found} bits, "
                f"but the config asks for {width}"
            )
    begins = np.array([time for time, _ in _variable(variables, CLOCK, waveform).tv])
    reset = _sample(_variable(variables, "tb.rst", waveform).tv, begins)
    start = max((cycle for cycle, value in enumerate(reset) if value == 1), default=-1) + 1
    cycles = {}
    for name in widths:
        values = _sample(variables[f"tb.{name}"].tv, begins)[start:]
        unknown = [cycle for cycle, value in enumerate(values) if not isinstance(value, int)]
        if unknown and name not in may_be_unknown:
            raise ValueError(
                f"waveform {waveform} has an unknown value of tb.{name} "
                f"{unknown[0]} cycles after reset"
            )
        cycles[name] = [value if isinstance(value, int) else 0 for value in values]
    return cycles


def _variables(waveform: Path) -> dict[str, Any]:
    if not waveform.is_file():
        raise ValueError(f"waveform {waveform} is not a file")
    try:
        return {var.full_name: var for var in pywellen.Waveform(str(waveform)).all_vars()}
    except RuntimeError as error:
        raise ValueError(f"waveform {waveform} is neither VCD nor FST: {error}") from error


def _variable(variables: dict[str, Any], name: str, waveform: Path) -> Any:
    if name not in variables:
        raise ValueError(
            f"waveform {waveform} lacks the signal {name}, which a co-simulation of this "
            "package records"
        )
    return variables[name]


def _sample(changes: Iterable[tuple[int, Any]], begins: Any) -> list[Any]:
    """Last value before the end of each cycle, without the last cycle, which has no end."""
    pairs = list(changes)
    times = np.array([time for time, _ in pairs])
    places = np.searchsorted(times, begins[1:], side="left") - 1
    return [pairs[place][1] for place in places]
