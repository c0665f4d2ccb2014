"""A CPU or a GPU, and how a token-step is run on it."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from gaincell.gpu_bench.timing import Clock, CudaClock, HostClock, Run
from gaincell.gpu_bench.workload import Copies, Operation, check_alike

CACHE_TIMES = 4
"""Copies together hold this many times the level-2 cache of a GPU."""
CPU_BYTES = 256_000_000
"""Bytes that the copies hold on a CPU, whose last cache torch does not report."""
Capture = Callable[[Operation, Copies], Run]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where token-steps run."""

    kind: str
    name: str
    where: torch.device
    clock: Clock
    copies_bytes: int
    """Bytes that all copies together should hold."""
    synchronise: Callable[[], None] = lambda: None
    """Wait until the device has finished all work."""
    captured: Capture | None = None
    """Makes a graph that does a token-step for each copy; None: there are no graphs."""
    l2_bytes: int | None = None
    threads: int | None = None
    uuid: str | None = None
    """The identifier by which NVML knows the GPU."""

    def runs(self, operation: Operation, copies: Copies) -> dict[str, Run]:
        """The ways to do one token-step for each copy in a round."""
        ways = {"eager": eager(operation, copies)}
        if self.captured is not None:
            ways["graph"] = self.captured(operation, copies)
        return ways


def machine_of(kind: str | None) -> Machine:
    """The machine of a kind, "cuda" or "cpu"; None: the GPU if there is one, else the CPU.

    Raises
    ------
    ValueError
        The kind is "cuda", and torch finds no GPU.
    """
    there = torch.cuda.is_available()
    if kind == "cuda" and not there:
        raise ValueError(
            "--device is cuda, but torch finds no CUDA here: use --device cpu, or install a CUDA "
            "build of torch where there is a GPU"
        )
    return cuda() if kind == "cuda" or (kind is None and there) else cpu()


def cpu() -> Machine:
    """This computer's processor."""
    return Machine(
        kind="cpu",
        name=_cpu_name(),
        where=torch.device("cpu"),
        clock=HostClock(),
        copies_bytes=CPU_BYTES,
        threads=torch.get_num_threads(),
    )


def cuda() -> Machine:
    """The first GPU that torch sees."""
    where = torch.device("cuda", 0)
    torch.cuda.set_device(where)
    properties = torch.cuda.get_device_properties(where)
    uuid = str(properties.uuid)
    return Machine(
        kind="cuda",
        name=properties.name,
        where=where,
        clock=CudaClock(),
        copies_bytes=CACHE_TIMES * properties.L2_cache_size,
        synchronise=torch.cuda.synchronize,
        captured=captured,
        l2_bytes=properties.L2_cache_size,
        uuid=uuid if uuid.startswith("GPU-") else f"GPU-{uuid}",
    )


def eager(operation: Operation, copies: Copies) -> Run:
    """Each kernel launched by the host."""
    sets = copies.sets

    def run(rounds: int) -> None:
        for _ in range(rounds):
            for q, k, v in sets:
                operation(q, k, v)

    return run


@dataclass(frozen=True)
class Replay:
    """Launches a graph; holds the copies, whose memory the graph reads."""

    graph: torch.cuda.CUDAGraph
    copies: Copies

    def __call__(self, rounds: int) -> None:
        for _ in range(rounds):
            self.graph.replay()


def captured(operation: Operation, copies: Copies) -> Run:
    """A CUDA graph of one token-step for each copy, launched whole.

    Raises
    ------
    Failed
        The replay gives another result.
    RuntimeError
        The operation cannot be captured.
    """
    sets = copies.sets
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # Libraries get their workspaces here, not in the graph.
        for _ in range(3):
            operation(*sets[-1])
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for qkv in sets:
            last = operation(*qkv)
    last.zero_()
    graph.replay()
    check_alike(last, operation(*sets[-1]), "a CUDA graph's results and those without it")
    return Replay(graph, copies)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in named if name), platform.machine() or "CPU")
