"""Heads small enough to be proved and large enough to wrap, overlap, alternate and refresh."""

import math

from gaincell.config import READOUT_NAMES, HeadConfig


def small(*, bound: int | None = None, **fields: object) -> HeadConfig:
    """One dimension, one bit codes, all phases short; refresh with ``bound`` cycles if given."""
    shape = {"head_dim": 1, "query_bits": 1, "key_bits": 1, "value_bits": 1, "readout_bits": 1}
    times = {"write_cycles": 1, "reset_cycles": 1}
    retention: dict[str, object] = {"retention_error": 0.25, "refresh": bound is not None}
    if bound is not None:
        # The bound is tau * ln 2; half a cycle more keeps it clear of rounding.
        retention["retention_s"] = (bound + 0.5) * 1e-9 / math.log(2)
    config = HeadConfig(**shape | times | retention | fields)  # type: ignore[arg-type]
    assert bound is None or config.bound_cycles == bound
    return config


def least_bound(**fields: object) -> int:
    """Smallest bound for which ``small`` is a valid config: visits as short as can be."""
    for bound in range(1, 1000):
        try:
            small(bound=bound, **fields)
        except ValueError:
            continue
        return bound
    raise AssertionError("no bound will do")


def tight(**fields: object) -> HeadConfig:
    """``small`` with the least bound: refresh is as pressed as it can be."""
    return small(bound=least_bound(**fields), **fields)


OVERLAPPED = tight(window=2, columns=1)
PAIRED = tight(window=3, columns=3, sink=1, schedule="paired", write_cycles=2)
"""Columns are no power of two and the sink is shorter: there are selects out of range."""
LONG_WRITE = tight(window=2, columns=2, sink=1, write_cycles=3, reset_cycles=2)
SEQUENTIAL = tight(window=3, columns=1, schedule="sequential")
PLAIN = small(window=2, columns=1)
PLAIN_PAIRED = small(window=1, columns=1, schedule="paired", write_cycles=2)
"""Without refresh."""
TWO_STAGES = small(window=2, columns=1, schedule="paired", sync_stages=2)
OTHER_READOUTS = tuple(
    small(window=2, columns=1, schedule="paired", sync_stages=2, readout=name)
    for name in READOUT_NAMES[1:]
)
"""Output phases follow each other as closely as the readout allows."""
ONE = tight(window=1, columns=1)
SINK = tight(window=2, columns=1, sink=1, schedule="paired", write_cycles=2)
ONE_PAIRED = tight(window=1, columns=1, schedule="paired")


def describe(config: HeadConfig) -> str:
    """The geometry in a few words."""
    words = [
        config.schedule,
        f"M={config.window}",
        f"N={config.columns}",
        f"P={config.sink}",
        f"write {config.write_cycles}",
    ]
    if config.sync_stages > 1:
        words.append(f"sync {config.sync_stages}")
    if config.readout != "popcount":
        words.append(config.readout)
    if config.retention is not None:
        words.append(f"bound {config.bound_cycles}")
    return ", ".join(words)
