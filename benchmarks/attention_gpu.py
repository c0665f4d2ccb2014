"""Attention on a GPU: is the kernel exact there, and how fast beside others, in one process.

    python benchmarks/attention_gpu.py --results results.json
    python benchmarks/attention_gpu.py --tune --results results.json

Exactness: codes of the kernel against the torch op in float64, and gradients against its. Times are
medians of single calls between events, after a warm-up, with the card's measured peaks beside them.
The authors' algorithm and SDPA are those of benchmarks/attention.py.
"""

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from attention import reference
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.ml.attention import attention
from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.fused import decode, launch
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import ring_part
from gaincell.ml.attention.ring_cache import RingCache

DEVICE = "cuda"
GAIN = HeadConfig(score_saturation=40.0, output_saturation=10.0)
"""On random codes pulses and read-outs reach both of their ends."""
HEADS: dict[str, HeadConfig] = {
    "64 dimensions": GAIN,
    "32 dimensions": replace(GAIN, head_dim=32, score_saturation=20.0),
    "96 dimensions": replace(GAIN, head_dim=96, score_saturation=60.0),
    "128 dimensions": replace(GAIN, head_dim=128, score_saturation=80.0),
    "sink of 4": replace(GAIN, sink=4),
    "window 512, columns 128": replace(GAIN, window=512, columns=128),
    "window 96, columns 32": replace(GAIN, window=96, columns=32, output_saturation=5.0),
    "window 60, columns 20": replace(GAIN, window=60, columns=20, output_saturation=3.0),
    "leak": replace(GAIN, retention_s=30e-6, refresh=False),
    "4-bit keys and values": replace(GAIN, key_bits=4, value_bits=4),
    "8-bit codes": replace(GAIN, query_bits=8, key_bits=8, value_bits=8, refresh=False),
    "linear cell": replace(GAIN, cell="linear"),
}
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DECODED = (1, 64)
"""Sequences that get a token at once."""
SIZES = [(1, 12, 1024), (16, 12, 1024), (1, 12, 4096), (1, 25, 8192), (1, 12, 32768)]
"""Batch, heads and tokens."""
LONGEST_REFERENCE = 4096
"""Tokens: the authors' algorithm keeps several T x T masks of every head."""


def random_units(
    batch: int, heads: int, kv_heads: int, tokens: int, dims: int, seed: int
) -> list[Tensor]:
    """q, k, v in 0..1, on the GPU."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, each, tokens, dims) for each in (heads, kv_heads, kv_heads)]
    return [torch.rand(shape, generator=generator).to(DEVICE) for shape in shapes]


def random_codes(config: HeadConfig, heads: int, kv_heads: int, tokens: int) -> list[Tensor]:
    """q, k, v of codes over the largest code, on the GPU.

    Other units may lie within rounding of a code's edge: the code of any op is then as good.
    """
    largest = (config.query_max, config.key_max, config.value_max)
    units = random_units(1, heads, kv_heads, tokens, config.head_dim, 1)
    return [(x * most).round() / most for x, most in zip(units, largest, strict=True)]


def with_gradients(
    op: Callable[..., Tensor], inputs: list[Tensor], upstream: Tensor
) -> tuple[Tensor, ...]:
    leaves = [x.detach().requires_grad_() for x in inputs]
    y = op(*leaves)
    y.backward(upstream.to(y.dtype))
    return (y.detach(), *(x.grad for x in leaves if x.grad is not None))


def exactness() -> Iterator[dict[str, Any]]:
    """Codes and gradients of the kernel against the torch op in float64.

    Each head has a process of its own, since most of the time kernels are compiled.
    """
    with _processes() as pool:
        for rows in pool.map(exactness_of, HEADS):
            yield from rows


def exactness_of(name: str) -> list[dict[str, Any]]:
    config, found = HEADS[name], []
    tokens = 2 * config.window + config.window // 2 + 3
    inputs = random_codes(config, 4, 2, tokens)
    for (kind, dtype), backward in product(TYPES.items(), ("surrogate", "true")):
        if backward == "true" and dtype != torch.float32:
            continue
        own = [x.to(dtype) for x in inputs]
        upstream = torch.randn(own[0].shape, device=DEVICE)
        truth = with_gradients(
            partial(attention, config=config, backward=backward),
            [x.double() for x in own],
            upstream.double(),
        )
        row: dict[str, Any] = {"head": name, "dtype": kind, "backward": backward}
        for way in ("triton", "torch"):
            op = partial(attention, config=config, backward=backward, implementation=way)
            off, *gradients = with_gradients(op, own, upstream)
            off = (off.double() - truth[0]).abs()
            row[way] = {
                "codes": off.numel(),
                "differ": int((off > 0).sum()),
                "most": float(off.max()),
                "gradients": [
                    float((x.double() - y).norm() / y.norm())
                    for x, y in zip(gradients, truth[1:], strict=True)
                ],
            }
        found.append(row)
    return found


def _processes() -> ProcessPoolExecutor:
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


def peaks() -> dict[str, float]:
    """Bytes/s of a copy, read and written, and FLOP/s of float16 and TF32 products."""
    x = torch.randn(1 << 30, device=DEVICE, dtype=torch.float16)
    copied = milliseconds(partial(torch.empty_like(x).copy_, x))
    a = torch.randn(8192, 8192, device=DEVICE, dtype=torch.float16)
    multiplied = milliseconds(lambda: a @ a)
    return {
        "bytes_per_s": 4 * (1 << 30) / copied * 1e3,
        "flop_per_s": 2 * 8192**3 / multiplied * 1e3,
    }


def flash(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]):
        return scaled_dot_product_attention(q, k, v, is_causal=True)


def windowed_flash(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Flash attention with the same window: as many pairs, in pieces of a window.

    The queries of each piece see their own window's pairs and as many of the window before it.
    """
    window = GAIN.window
    if q.shape[2] <= window:
        return flash(q, k, v)
    cut = [x.unflatten(2, (-1, window)).transpose(1, 2).flatten(0, 1) for x in (q, k, v)]
    own = flash(*cut)
    older = flash(cut[0][1:], cut[1][:-1], cut[2][:-1])
    y = own + torch.cat([torch.zeros_like(own[:1]), older])
    return y.unflatten(0, (len(q), -1)).transpose(1, 2).flatten(2, 3)


def operations(tokens: int) -> dict[str, tuple[Callable[..., Tensor], torch.dtype]]:
    found: dict[str, tuple[Callable[..., Tensor], torch.dtype]] = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        found[f"kernel, {name}"] = (partial(attention, config=GAIN, implementation="triton"), dtype)
    found["torch op, float32"] = (
        partial(attention, config=GAIN, implementation="torch"),
        torch.float32,
    )
    found["flash, pairs of the window, bfloat16"] = windowed_flash, torch.bfloat16
    found["flash, all pairs, bfloat16"] = flash, torch.bfloat16
    if tokens <= LONGEST_REFERENCE:
        found["authors' algorithm, float32"] = reference, torch.float32
    return found


def times() -> Iterator[dict[str, Any]]:
    for batch, heads, tokens in SIZES:
        inputs = random_units(batch, heads, heads, tokens, GAIN.head_dim, 0)
        for name, (op, dtype) in operations(tokens).items():
            own = [x.to(dtype).requires_grad_() for x in inputs]
            upstream = torch.randn(own[0].shape, device=DEVICE, dtype=dtype)
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            row = {"batch": batch, "heads": heads, "tokens": tokens, "operation": name}
            try:
                with torch.no_grad():
                    forward = milliseconds(partial(op, *own), 10)
                both = milliseconds(lambda op=op, own=own, up=upstream: op(*own).backward(up), 10)
            except torch.OutOfMemoryError:
                yield row | {"error": "out of memory"}
                continue
            peak = torch.cuda.max_memory_allocated() - before
            yield row | {"forward_ms": forward, "both_ms": both, "peak_mb": peak / 2**20}


def preparation() -> Iterator[dict[str, Any]]:
    """Time to make the codes and the basis of one layer's inputs."""
    for batch, heads, tokens in SIZES:
        inputs = random_units(batch, heads, heads, tokens, GAIN.head_dim, 0)
        for name in ("float32", "bfloat16"):
            q, k, v = (x.to(TYPES[name]).flatten(0, 1) for x in inputs)
            work = Work(Numbers.of(GAIN), ring_part(GAIN), 0, 0, 1)
            row = {"batch": batch, "heads": heads, "tokens": tokens, "dtype": name}
            yield row | {"ms": milliseconds(partial(launch.Launch, q, k, v, work))}


def decoding() -> Iterator[dict[str, Any]]:
    """Time of a token's step of one layer, and of reading its codes once."""
    bytes_per_s = peaks()["bytes_per_s"]
    for batch in DECODED:
        step, cache = decoding_step(batch)
        read = cache.k.nbytes + cache.v.nbytes
        yield {
            "batch": batch,
            "heads": cache.k.shape[1],
            "window": GAIN.window,
            "step_ms": graph_milliseconds(step),
            "bytes": read,
            "read_ms": read / bytes_per_s * 1e3,
        }


def decoding_step(batch: int) -> tuple[Callable[[], Tensor], RingCache]:
    """A step of 12 heads, and its cache, full."""
    cache = RingCache(GAIN, batch, 12, device=DEVICE, implementation="triton")
    cache.attend(*random_units(batch, 12, 12, GAIN.window, GAIN.head_dim, 0))
    token = random_units(batch, 12, 12, 1, GAIN.head_dim, 1)
    return partial(cache.attend, *token), cache


def graph_milliseconds(work: Callable[[], Any], times: int = 50) -> float:
    """Time of a call in a CUDA graph of many."""
    work()  # Compile.
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            work()
    return milliseconds(graph.replay, 10) / times


def tuning() -> Iterator[dict[str, Any]]:
    """Time of each kernel for sizes of blocks, 16 x 12 heads of 1024 tokens.

    Of decoding, one token of each, for (sub-tiles of a program, columns, warps, stages).
    """
    sizes = [
        (queries, columns, warps, stages)
        for queries, columns in ((64, 64), (128, 64), (64, 32), (128, 32))
        for warps in (4, 8)
        for stages in (1, 2, 3)
    ]
    cases = list(product(("forward", "query", "stored"), sizes))
    split = product((1, 2, 4), (64,), (1, 2, 4, 8), (1,))
    cases += [("decode", blocks) for blocks in split]
    with _processes() as pool:  # Compile all.
        list(pool.map(tuned, cases, chunksize=6))
    for case in cases:
        yield tuned(case)


def tuned(case: tuple[str, tuple[int, int, int, int]]) -> dict[str, Any]:
    """Time of one kernel with one size of blocks."""
    kernel, sizes = case
    if kernel == "decode":
        return {"kernel": kernel, "blocks": sizes, "ms": tuned_decoding(sizes[0], sizes[2])}
    chosen = launch.blocks_of

    def changed(name: str, *rest: Any) -> launch.Blocks:
        return launch.Blocks(*sizes) if name == kernel else chosen(name, *rest)

    q, k, v = (x.flatten(0, 1) for x in random_units(16, 12, 12, 1024, GAIN.head_dim, 0))
    work = Work(Numbers.of(GAIN), ring_part(GAIN), 0, 0, 1)
    own = launch.Launch(q, k, v, work)
    passed, upstream = own.forward(True)[1], torch.randn(q.shape, device=DEVICE)
    launch.blocks_of = changed
    try:
        if kernel == "forward":
            ms = milliseconds(lambda: own.forward(True), 5)
        else:
            ms = milliseconds(lambda: own.backward(upstream, passed), 5)
        return {"kernel": kernel, "blocks": sizes, "ms": ms}
    except Exception as error:
        return {"kernel": kernel, "blocks": sizes, "error": str(error).splitlines()[0][:80]}
    finally:
        launch.blocks_of = chosen


def tuned_decoding(sub_tiles: int, warps: int) -> float:
    chosen = decode.split_of
    decode.split_of = lambda _: (sub_tiles, warps)
    try:
        return graph_milliseconds(decoding_step(16)[0])
    finally:
        decode.split_of = chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, required=True, help="JSON file for all rows")
    parser.add_argument("--tune", action="store_true", help="sizes of the kernels' blocks only")
    arguments = parser.parse_args()
    check_writable(arguments.results)
    parts: dict[str, Callable[[], Iterator[dict[str, Any]]]]
    parts = {
        "exactness": exactness,
        "times": times,
        "preparation": preparation,
        "decoding": decoding,
    }
    parts = {"tuning": tuning} if arguments.tune else parts
    found: dict[str, Any] = {"device": torch.cuda.get_device_name(), "peaks": peaks()}
    for name, part in parts.items():
        found[name] = []
        for row in part():
            print(row, flush=True)
            found[name].append(row)
            with replacing(arguments.results) as unfinished:
                unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
