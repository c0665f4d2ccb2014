"""Reads the binary raw files that ngspice writes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Waves = dict[str, NDArray[np.float64]]
"""By name in small letters, as ngspice gives it: ``time``, ``v(bl)``, ``i(vdd)``."""

DATA = b"Binary:\n"


def read_raw(path: Path) -> list[Waves]:
    """The plots of a raw file, one for each analysis; complex values lose their imaginary part.

    Raises
    ------
    ValueError
        The file ends before the points that its header announces.
    """
    raw = path.read_bytes()
    plots, place = [], 0
    while (end := raw.find(DATA, place)) >= 0:
        header = raw[place:end].decode("latin-1").splitlines()
        variables, points = _count(header, "No. Variables"), _count(header, "No. Points")
        complex_values = any(line.startswith("Flags:") and "complex" in line for line in header)
        kind = np.dtype(np.complex128 if complex_values else np.float64)
        place = end + len(DATA)
        size = variables * points * kind.itemsize
        if len(raw) - place < size:
            raise ValueError(f"{path.name} ends before its {points} points")
        values = np.frombuffer(raw, kind, variables * points, place).reshape(points, variables)
        place += size
        names = _names(header)
        plots.append({name: values[:, at].real.copy() for at, name in enumerate(names)})
    return plots


def _count(header: list[str], key: str) -> int:
    return next(int(line.split(":")[1]) for line in header if line.startswith(f"{key}:"))


def _names(header: list[str]) -> list[str]:
    """Names of the variables: the second word of each line below "Variables:"."""
    start = header.index("Variables:") + 1
    return [line.split()[1].lower() for line in header[start:] if line.strip()]
