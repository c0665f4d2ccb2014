"""All measurements of ``gaincell bench-gpu`` on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace

import torch

from gaincell.gpu_bench import authors
from gaincell.gpu_bench.authors import AuthorsStep, repeated
from gaincell.gpu_bench.energy import Meter, NoEnergy, open_meter
from gaincell.gpu_bench.machine import Machine
from gaincell.gpu_bench.records import AUTHORS_BATCH, Bench, Device, Energy, Row, Settings
from gaincell.gpu_bench.timing import HostClock, Run, Times, timed
from gaincell.gpu_bench.workload import OPERATIONS, Copies, bytes_of, check_alike, copies_for
from gaincell.versions import versions

OpenMeter = Callable[[str], AbstractContextManager[Meter]]


def measurements(settings: Settings, machine: Machine) -> int:
    """How many rows there will be."""
    ways = 1 if machine.captured is None else 2
    return len(settings.batches) * len(OPERATIONS) * ways + len(authors.OPERATIONS)


@torch.inference_mode()
def bench(
    settings: Settings,
    machine: Machine,
    *,
    told: Callable[[Row], None] = lambda _: None,
    open_meter: OpenMeter = open_meter,
) -> Bench:
    """Measure every row.

    Parameters
    ----------
    told : called with each row as soon as it is measured
    open_meter : opens the energy meter of the GPU with a UUID

    Raises
    ------
    Failed
        Two ways to compute the same differ.
    RuntimeError
        Memory does not suffice, or the device failed.
    """
    with ExitStack() as stack:
        session = _Session(settings, machine)
        session.find_idle_power(stack, open_meter)
        rows = []
        for row in session.rows():
            told(row)
            rows.append(row)
        return Bench(
            device=Device(
                kind=machine.kind,
                name=machine.name,
                driver=session.driver,
                l2_bytes=machine.l2_bytes,
                threads=machine.threads,
            ),
            versions=_versions(),
            settings=settings,
            idle_power_w=session.idle_w,
            rows=tuple(rows),
            notes=tuple(session.notes),
        )


@dataclass
class _Session:
    """Settings, machine and meter of one run, and the notes that it collects."""

    settings: Settings
    machine: Machine
    meter: Meter | None = None
    driver: str | None = None
    idle_w: float | None = None
    notes: list[str] = field(default_factory=list)

    def find_idle_power(self, stack: ExitStack, open_meter: OpenMeter) -> None:
        """Open the meter, if this is a GPU that has one, and measure the GPU at rest."""
        if self.machine.uuid is None:
            self.notes.append("no energy: it is measured on GPUs only")
            return
        torch.zeros(1, device=self.machine.where)  # A GPU that is in use draws more when idle.
        self.machine.synchronise()
        try:
            self.meter = stack.enter_context(open_meter(self.machine.uuid))
            self.driver = self.meter.driver()
            self.idle_w = self.meter.idle_power_w()
        except NoEnergy as reason:
            self._no_energy(reason)
            return
        if not self.meter.counts:
            self.notes.append("energy is the integral of sampled power: there is no counter")

    def rows(self) -> Iterator[Row]:
        for batch in self.settings.batches:
            yield from self._rows_of(batch)
        yield from self._authors_rows()

    def _rows_of(self, batch: int) -> Iterator[Row]:
        """One batch: every operation in every way, after a check that their results agree."""
        machine, one_bytes = self.machine, bytes_of(self.settings, batch)
        count = copies_for(machine.copies_bytes, one_bytes)
        copies = Copies.draw(self.settings, batch, count, machine.where)
        if copies.nbytes < machine.copies_bytes:
            self.notes.append(
                f"batch {batch}: {count} copies hold only {copies.nbytes / 1e6:.3g} MB, "
                "which a cache may keep"
            )
        first = copies.sets[0]
        check_alike(OPERATIONS["sdpa"](*first), OPERATIONS["matmul"](*first), "SDPA and matmul")
        for name, operation in OPERATIONS.items():
            for way, run in machine.runs(operation, copies).items():
                times = timed(run, machine.clock, steps=count, seconds=self.settings.seconds)
                row = Row(
                    operation=name,
                    way=way,
                    device=machine.kind,
                    dtype=self.settings.dtype,
                    batch=batch,
                    copies=count,
                    copies_bytes=copies.nbytes,
                    steps=times.rounds * count,
                    repeats_s=times.repeats_s,
                )
                yield replace(row, energy=self._energy(run, times, count * batch))

    def _authors_rows(self) -> Iterator[Row]:
        for name, operation in authors.OPERATIONS.items():
            step = AuthorsStep(operation, self.settings, self.machine.where)
            times = timed(repeated(step), HostClock(), steps=1, seconds=self.settings.seconds)
            self.machine.synchronise()  # Nothing may run on into the next measurement.
            yield Row(
                operation=name,
                way="unsynchronised",
                authors=True,
                device=self.machine.kind,
                dtype="float32",
                batch=AUTHORS_BATCH,
                copies=1,
                copies_bytes=step.nbytes,
                steps=times.rounds,
                repeats_s=times.repeats_s,
            )

    def _energy(self, run: Run, times: Times, tokens: int) -> Energy | None:
        """Energy of a loop over ``run``, with ``tokens`` a round; None where there is no meter."""
        if self.meter is None or self.idle_w is None:
            return None

        def burst() -> None:
            run(times.rounds)
            self.machine.synchronise()

        try:
            reading = self.meter.measure(burst, self.settings.seconds)
        except NoEnergy as reason:
            self._no_energy(reason)
            return None
        return Energy(
            total_j=reading.joules,
            seconds=reading.seconds,
            tokens=reading.bursts * times.rounds * tokens,
            idle_w=self.idle_w,
        )

    def _no_energy(self, reason: NoEnergy) -> None:
        self.notes.append(f"no energy: {reason}")
        self.meter = self.idle_w = None


def _versions() -> dict[str, str]:
    numbers = versions("torch", "nvidia-ml-py")
    if torch.version.cuda is not None:
        numbers["cuda"] = torch.version.cuda
    return numbers
