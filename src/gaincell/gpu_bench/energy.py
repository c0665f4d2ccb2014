"""Energy of a GPU's board by NVML: a counter where there is one, else sampled power."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from time import perf_counter, sleep
from typing import Any

SETTLE_S = 2.0
"""Waited before idle power: boards average power over up to a second."""
IDLE_S = 4.0
"""For which idle power is measured."""
WARM_S = 1.0
"""Of work before energy is counted, for the same reason."""
SAMPLE_S = 0.02
"""Between samples of power."""


class NoEnergy(Exception):
    """Energy cannot be measured; the message says why."""


@dataclass(frozen=True)
class Reading:
    """Energy of a loop of bursts."""

    joules: float
    seconds: float
    bursts: int


class Meter:
    """Energy of one GPU.

    Parameters
    ----------
    nvml : the module pynvml, initialised
    handle : its handle of the GPU
    now, wait : clock and sleep of the host, s

    Raises
    ------
    NoEnergy
        The GPU tells neither energy nor power.
    """

    def __init__(
        self,
        nvml: Any,
        handle: Any,
        *,
        now: Callable[[], float] = perf_counter,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._nvml, self._handle, self._now, self._wait = nvml, handle, now, wait
        self.counts = True
        """By the counter; False: by samples of power."""
        try:
            self._counter_j()
        except nvml.NVMLError:
            self.counts = False
            with self._telling():
                self._power_w()

    def driver(self) -> str | None:
        """The driver's version."""
        try:
            return str(self._nvml.nvmlSystemGetDriverVersion())
        except self._nvml.NVMLError:
            return None

    def idle_power_w(self) -> float:
        """Mean power while this process leaves the GPU alone."""
        self._wait(SETTLE_S)
        joules, seconds = self._energy_of(lambda: self._wait(IDLE_S))
        return joules / seconds

    def measure(self, burst: Callable[[], None], seconds: float) -> Reading:
        """Energy of ``burst`` again and again for at least ``seconds``.

        ``burst`` must return only when the GPU is done, and be short against ``seconds``.
        """
        self._repeat(burst, WARM_S)
        counts: list[int] = []
        joules, taken_s = self._energy_of(lambda: counts.append(self._repeat(burst, seconds)))
        return Reading(joules, taken_s, counts[0])

    def _repeat(self, burst: Callable[[], None], seconds: float) -> int:
        begin, count = self._now(), 0
        while self._now() - begin < seconds:
            burst()
            count += 1
        return count

    def _energy_of(self, work: Callable[[], None]) -> tuple[float, float]:
        """Joules and seconds of ``work``."""
        with self._telling():
            if not self.counts:
                samples = self._sampled(work)
                return integral(samples), samples[-1][0] - samples[0][0]
            begin_j, begin_s = self._counter_j(), self._now()
            work()
            end_j, end_s = self._counter_j(), self._now()
            return end_j - begin_j, end_s - begin_s

    def _sampled(self, work: Callable[[], None]) -> list[tuple[float, float]]:
        """Seconds and watts, from the beginning of ``work`` to its end."""
        samples = [self._sample()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLE_S):
                try:
                    samples.append(self._sample())
                except self._nvml.NVMLError:
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            work()
        finally:
            done.set()
            watcher.join()
        return [*samples, self._sample()]

    def _sample(self) -> tuple[float, float]:
        return self._now(), self._power_w()

    def _counter_j(self) -> float:
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) * 1e-3

    def _power_w(self) -> float:
        return float(self._nvml.nvmlDeviceGetPowerUsage(self._handle)) * 1e-3

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except self._nvml.NVMLError as error:
            raise NoEnergy(f"NVML says {error}") from error


def integral(samples: Sequence[tuple[float, float]]) -> float:
    """Joules under straight lines between samples (s, W)."""
    return sum(
        (end_s - begin_s) * (begin_w + end_w) / 2
        for (begin_s, begin_w), (end_s, end_w) in pairwise(samples)
    )


@contextmanager
def open_meter(uuid: str) -> Iterator[Meter]:
    """A meter of the GPU with this UUID.

    Raises
    ------
    NoEnergy
        NVML is not installed, does not know the GPU, or tells nothing of its energy.
    """
    try:
        nvml = import_module("pynvml")
    except ImportError as error:
        raise NoEnergy("NVML is read with nvidia-ml-py: pip install 'gaincell[gpu]'") from error
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise NoEnergy(f"NVML says {error}") from error
    try:
        try:
            handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        except nvml.NVMLError as error:
            raise NoEnergy(f"NVML says {error} of {uuid}") from error
        yield Meter(nvml, handle)
    finally:
        nvml.nvmlShutdown()
