"""Stand-ins for a GPU: a clock, its power, NVML, graphs, and a machine that lets time pass."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import torch

from gaincell.gpu_bench import machine
from gaincell.gpu_bench.energy import Meter
from gaincell.gpu_bench.records import Settings
from gaincell.gpu_bench.timing import HostClock
from gaincell.gpu_bench.workload import sdpa

TINY = Settings(heads=2, head_dim=8, window=16, batches=(1, 3), seconds=0.01)
OPTIONS = ["--heads", "2", "--head-dim", "8", "--window", "16", "--seconds", "0.01"]
CPU = torch.device("cpu")


class FakeTime:
    """A clock that only work and waiting move, and the power drawn meanwhile."""

    def __init__(self):
        self.s = self.joules = 0.0
        self.watts = 20.0

    def now(self):
        return self.s

    def wait(self, seconds):
        self.s += seconds
        self.joules += self.watts * seconds

    def work(self, seconds, watts):
        idle, self.watts = self.watts, watts
        self.wait(seconds)
        self.watts = idle


class FakeNvml:
    """As much of pynvml as a meter uses."""

    class NVMLError(Exception):
        pass

    def __init__(self, clock, *, counts=True, tells_power=True):
        self.clock, self.counts, self.tells_power = clock, counts, tells_power
        self.open = 0
        self.asked = []

    def nvmlInit(self):  # noqa: N802 - NVML's own names
        self.open += 1

    def nvmlShutdown(self):  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        self.asked.append(uuid)
        return uuid

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "580.1"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if not self.counts:
            raise self.NVMLError("Not Supported")
        return round(self.clock.joules * 1e3)

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        if not self.tells_power:
            raise self.NVMLError("Not Supported")
        return round(self.clock.watts * 1e3)


def meter_of(clock, **options):
    return Meter(FakeNvml(clock, **options), "handle", now=clock.now, wait=clock.wait)


class FakeGraphs:
    """Streams and graphs of torch.cuda; a graph repeats the operations it saw."""

    def __init__(self, monkeypatch, repeats):
        self.repeats, self.seen, self.capturing, self.replays = repeats, [], False, 0
        stream = SimpleNamespace(wait_stream=lambda other: None)
        monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.captures)

    @contextmanager
    def captures(self, graph):
        assert graph is self
        self.capturing = True
        yield
        self.capturing = False

    def operation(self, q, k, v):
        y = sdpa(q, k, v)
        if self.capturing:
            self.seen.append((q, k, v, y))
        return y

    def replay(self):
        self.replays += 1
        for q, k, v, y in self.seen if self.repeats else ():
            y.copy_(sdpa(q, k, v))


def metered(clock, **options):
    """What opens a meter of a fake GPU at 100 W, whose rounds take 10 ms."""
    return lambda uuid: nullcontext(meter_of(clock, **options))


class WorkingGpu(machine.Machine):
    """A GPU that only lets time pass."""

    def runs(self, operation, copies):
        run = self.captured(operation, copies)
        return {"eager": run, "graph": run}


def working_gpu(clock):
    """A GPU with the time and the power of ``clock``: 10 ms and 100 W a round."""
    return WorkingGpu(
        kind="cuda",
        name="Fake",
        where=CPU,
        clock=HostClock(clock.now),
        copies_bytes=20_000,
        captured=lambda operation, copies: lambda rounds: clock.work(0.01 * rounds, 100.0),
        l2_bytes=5000,
        uuid="GPU-1",
    )
