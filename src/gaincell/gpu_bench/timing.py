"""Seconds per token-step, by a clock of the device or of the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

import torch

Run = Callable[[int], None]
"""Does a number of rounds, of a fixed number of token-steps each."""
REPEATS = 5


class Clock(Protocol):
    """Measures a piece of work."""

    def seconds(self, work: Callable[[], None]) -> float: ...


@dataclass(frozen=True)
class HostClock:
    """The host's clock: right for work that is done when its call returns."""

    now: Callable[[], float] = perf_counter

    def seconds(self, work: Callable[[], None]) -> float:
        begin = self.now()
        work()
        return self.now() - begin


class CudaClock:
    """Events on the current stream: from the first kernel of the work to the end of its last."""

    def seconds(self, work: Callable[[], None]) -> float:
        begin = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
        begin.record()
        work()
        end.record()
        end.synchronize()
        milliseconds: float = begin.elapsed_time(end)
        return milliseconds * 1e-3


@dataclass(frozen=True)
class Times:
    """What was timed."""

    rounds: int
    """Rounds of each repeat."""
    repeats_s: tuple[float, ...]
    """Seconds per token-step."""


def timed(run: Run, clock: Clock, *, steps: int, seconds: float) -> Times:
    """Time ``run``, whose rounds have ``steps`` token-steps, for about ``seconds`` in all.

    Before, it runs for about as long as one repeat, so that kernels are loaded and clocks are up.
    """
    aim_s = seconds / REPEATS
    run(1)
    rounds = 1
    while (taken_s := clock.seconds(partial(run, rounds))) < aim_s / 2:
        rounds *= 2
    rounds = max(1, round(rounds * aim_s / taken_s))
    repeats_s = tuple(
        clock.seconds(partial(run, rounds)) / (rounds * steps) for _ in range(REPEATS)
    )
    return Times(rounds, repeats_s)
