"""Compares codes and pulses of transistors with those of arrays, and says how far they are off."""

from __future__ import annotations

from typing import Any

import numpy as np

from gaincell.spice.replay.run import Replayed
from gaincell.spice.replay.sampled import Codes
from gaincell.spice.waves import Floats


def compared_codes(got: Codes, wanted: Codes, largest: int) -> dict[str, Any]:
    """Codes (reads, lines) of transistors against those of arrays.

    "inside": of the codes that are wanted neither 0 nor saturated.
    """
    error = got - wanted
    inside = (np.abs(wanted) > 0) & (np.abs(wanted) < largest)
    values, counts = np.unique(error, return_counts=True)
    return {
        "codes": int(error.size),
        "equal": share(error == 0),
        "within_one": share(np.abs(error) <= 1),
        "inside": {
            "codes": int(np.count_nonzero(inside)),
            "equal": share(error[inside] == 0),
            "within_one": share(np.abs(error[inside]) <= 1),
        },
        "largest": int(np.max(np.abs(error))),
        "mean": float(np.mean(error)),
        "histogram": {str(value): int(n) for value, n in zip(values, counts, strict=True)},
        "first_difference": _first(got, wanted),
    }


def compared_pulses(got: Floats, wanted: Floats) -> dict[str, float]:
    """Pulses, or fractions of a full one; all errors are got less wanted."""
    error = got - wanted
    return {
        "mean": float(np.mean(error)),
        "mean_size": float(np.mean(np.abs(error))),
        "largest": float(np.max(np.abs(error))),
    }


def share(right: Any) -> float | None:
    """Part of a table that is true; None of an empty one."""
    return float(np.mean(right)) if np.size(right) else None


def _first(got: Codes, wanted: Codes) -> dict[str, int] | None:
    """The first read, and in it the first line, whose codes differ."""
    different = np.argwhere(got != wanted)
    if not len(different):
        return None
    read, line = (int(index) for index in different[0])
    return {
        "read": read,
        "line": line,
        "transistors": int(got[read, line]),
        "arrays": int(wanted[read, line]),
    }


def report(replayed: Replayed) -> dict[str, Any]:
    """Comparisons and tables of a replay; plain JSON."""
    largest = replayed.head.config.readout_max
    readings = {
        "sampled": replayed.sampled,
        "by_length": replayed.ruled,
    }
    stages = {"arrays": replayed.arrays, "measured_arrays": replayed.measured}
    expected = {**stages, "arrays_behind_transistors": replayed.fed}
    lines = replayed.chosen.lines
    return {
        "score_columns": replayed.chosen.slots,
        "output_lines": [{"tile": tile, "dimension": row} for tile, row in lines],
        "phi": {
            name: compared_pulses(replayed.phi, replayed.phi_of(each))
            for name, each in stages.items()
        },
        "lengths_cycles": {
            name: compared_pulses(replayed.lengths, replayed.lengths_of(each))
            for name, each in expected.items()
        },
        "codes": {
            reading: {
                name: compared_codes(codes, replayed.codes_of(each), largest)
                for name, each in expected.items()
            }
            for reading, codes in readings.items()
        },
        "tables": {
            "phi": {
                "transistors": replayed.phi.round(5).tolist(),
                **{name: replayed.phi_of(each).round(5).tolist() for name, each in stages.items()},
            },
            "codes": {
                **{reading: codes.tolist() for reading, codes in readings.items()},
                **{name: replayed.codes_of(each).tolist() for name, each in expected.items()},
            },
            "lengths_cycles": replayed.lengths.round(4).tolist(),
        },
    }
