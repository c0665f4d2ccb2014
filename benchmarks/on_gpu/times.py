"""Times on a GPU between events, and inputs, for benchmarks/attention_gpu.py."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from gaincell.config import HeadConfig

DEVICE = "cuda"
GAIN = HeadConfig(score_saturation=40.0, output_saturation=10.0)
"""On random codes pulses and read-outs reach both of their ends."""
SIZES = [(1, 12, 1024), (16, 12, 1024), (1, 12, 4096), (1, 25, 8192), (1, 12, 32768)]
"""Batch, heads and tokens."""


def random_units(
    batch: int, heads: int, kv_heads: int, tokens: int, dims: int, seed: int
) -> list[Tensor]:
    """q, k, v in 0..1, on the GPU."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, each, tokens, dims) for each in (heads, kv_heads, kv_heads)]
    return [torch.rand(shape, generator=generator).to(DEVICE) for shape in shapes]


def processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(12, multiprocessing.get_context("spawn"))


def milliseconds(work: Callable[[], Any], calls: int = 20) -> float:
    """Median time of a call by events, after warm-up calls."""
    for _ in range(3):
        work()
    times = []
    for _ in range(calls):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()  # type: ignore[no-untyped-call]
        work()
        last.record()  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
        times.append(first.elapsed_time(last))
    return median(times)


def device_milliseconds(work: Callable[[], Any], calls: int = 5) -> float:
    """Time of a call on the GPU alone: the sum of its kernels', without gaps between launches."""
    work()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as measured:
        for _ in range(calls):
            work()
        torch.cuda.synchronize()
    own = (each for each in measured.key_averages() if each.key != "Activity Buffer Request")
    return float(sum(each.self_device_time_total for each in own) / calls / 1e3)


@cache
def peaks() -> dict[str, float]:
    """Bytes/s of a copy, read and written, and FLOP/s of float16 products."""
    x = torch.randn(1 << 30, device=DEVICE, dtype=torch.float16)
    copied = milliseconds(partial(torch.empty_like(x).copy_, x))
    a = torch.randn(8192, 8192, device=DEVICE, dtype=torch.float16)
    multiplied = milliseconds(lambda: a @ a)
    return {
        "bytes_per_s": 4 * (1 << 30) / copied * 1e3,
        "flop_per_s": 2 * 8192**3 / multiplied * 1e3,
    }


def graph_milliseconds(work: Callable[[], Any], times: int = 50) -> float:
    """Time of a call in a CUDA graph of many."""
    work()  # Compile.
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            work()
    return milliseconds(graph.replay, 10) / times
