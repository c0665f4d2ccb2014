"""The control wires of a run as spans of cycles: writes, query pulses, phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.wires import ENABLES, Wires, unpack_codes
from gaincell.config import HeadConfig
from gaincell.schedule import Span

BROADCAST = -1
"""Slot of a write to all columns."""


class Write(NamedTuple):
    """One write: its cycles, the slot or ``BROADCAST``, and the codes (D,)."""

    span: Span
    slot: int
    codes: NDArray[np.int64]

    def reaches(self, slot: int) -> bool:
        """Whether it opens the word line of ``slot``."""
        return self.slot in (slot, BROADCAST)


@dataclass(frozen=True)
class Control:
    """What the control did, in cycles.

    begin, end : first cycle in which a wire is active, and the last cycle
    phases : spans in which each enable of the converters is high, by its name
    queries : spans of each dimension's query pulses
    k_writes, v_writes : in their order
    """

    begin: int
    end: int
    phases: dict[str, list[Span]]
    queries: list[list[Span]]
    k_writes: list[Write]
    v_writes: list[Write]

    @property
    def reads(self) -> int:
        """Number of queries that were read: whole chains from QK to OUT."""
        return len(self.phases["v_convert"])


def control_of(recorded: Sequence[tuple[int, Wires]], config: HeadConfig) -> Control:
    """The control of a run.

    Parameters
    ----------
    recorded : wires from a cycle on, until the next entry; the last entry has none active
    """
    idle = Wires()
    begin = next(cycle for cycle, wires in recorded if wires != idle)
    phases = {
        name: _high([(cycle, bool(getattr(wires, name))) for cycle, wires in recorded])
        for name in ENABLES
    }
    queries = [
        _high([(cycle, bool(wires.query >> place & 1)) for cycle, wires in recorded])
        for place in range(config.head_dim)
    ]
    return Control(
        begin=begin,
        end=recorded[-1][0],
        phases=phases,
        queries=queries,
        k_writes=_writes(recorded, "k", config.key_bits, config),
        v_writes=_writes(recorded, "v", config.value_bits, config),
    )


def _high(levels: Sequence[tuple[int, bool]]) -> list[Span]:
    """Spans in which a wire is high; it ends low."""
    spans, start = [], None
    for cycle, high in levels:
        if high and start is None:
            start = cycle
        elif not high and start is not None:
            spans.append(Span(start, cycle))
            start = None
    return spans


def _writes(
    recorded: Sequence[tuple[int, Wires]], name: str, bits: int, config: HeadConfig
) -> list[Write]:
    """Writes of an array; codes and select are those with which the write ends."""
    writes, start, last = [], None, None
    for cycle, wires in recorded:
        port = getattr(wires, name)
        if port.enable:
            start, last = (cycle if start is None else start), port
        elif start is not None and last is not None:
            slot = BROADCAST if last.broadcast else last.tile * config.columns + last.column
            codes = unpack_codes(last.code, config.head_dim, bits)
            writes.append(Write(Span(start, cycle), slot, codes))
            start = None
    return writes
