"""Configs small enough to watch many sweeps, and the order in which their columns are visited."""

import math

from gaincell.config import HeadConfig

GEOMETRIES = [
    (1, 1, 0),
    (1, 1, 1),
    (3, 1, 0),
    (3, 1, 1),
    (4, 4, 3),
    (5, 5, 5),
    (6, 3, 2),
    (15, 5, 4),
    (16, 4, 0),
    (35, 7, 1),
]
"""(window, columns, sink)"""
BRIEF = {
    "head_dim": 1,
    "query_bits": 1,
    "readout_bits": 1,
    "write_cycles": 2,
    "reset_cycles": 1,
}


def refreshing_config(
    geometry: tuple[int, int, int], slack: int = 0, spare: int = 0, **fields: object
) -> HeadConfig:
    """A config whose visits are ``slack`` cycles longer than the shortest that are accepted.

    The bound is ``spare`` cycles above the least that gives visits of that length.
    """
    window, columns, sink = geometry
    fields = {**BRIEF, "window": window, "columns": columns, "sink": sink, **fields}
    idle = HeadConfig(**fields, refresh=False)
    timing = idle.timing
    visit = 1 + timing.arrays_cycles + timing.v_write.end + timing.interval_cycles + slack
    slots = window + sink
    bound = visit * (slots + 2 * math.ceil(slots / 8) + 1) + spare
    left = 1 - 2 * idle.retention_error_limit
    config = HeadConfig(**fields, retention_s=-(bound + 0.5) * idle.clock_s / math.log(left))
    assert config.bound_cycles == bound
    return config


def place_of(slot: int, config: HeadConfig) -> tuple[int, int]:
    """Sub-tile and column of a slot; those of the sink follow the ring's."""
    return divmod(slot, config.columns)


def slot_of(token: int, config: HeadConfig) -> int:
    """Where token number ``token`` of a sequence is stored."""
    return config.window + token if token < config.sink else token % config.window
