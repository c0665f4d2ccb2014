"""Kernels one at a time: preparation, decoding, and sizes of their blocks."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.fused import decode, launch
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import ring_part
from gaincell.ml.attention.ring_cache import RingCache
from on_gpu.times import (
    DEVICE,
    GAIN,
    SIZES,
    graph_milliseconds,
    milliseconds,
    peaks,
    processes,
    random_units,
)

DECODED = (1, 64)
"""Sequences that get a token at once."""


def preparation() -> Iterator[dict[str, Any]]:
    """Time to make the codes and the basis of one layer's inputs."""
    for batch, heads, tokens in SIZES:
        inputs = random_units(batch, heads, heads, tokens, GAIN.head_dim, 0)
        for name in ("float32", "bfloat16"):
            q, k, v = (x.to(getattr(torch, name)).flatten(0, 1) for x in inputs)
            work = Work(Numbers.of(GAIN), ring_part(GAIN), 0, 0, 1)
            row = {"batch": batch, "heads": heads, "tokens": tokens, "dtype": name}
            yield row | {"ms": milliseconds(partial(launch.Launch, q, k, v, work))}


def decoding() -> Iterator[dict[str, Any]]:
    """Time of a token's step of one layer, of as many launches, and of reading its codes once."""
    bytes_per_s = peaks()["bytes_per_s"]
    word = torch.zeros(1, device=DEVICE)
    launches = graph_milliseconds(lambda: (word.add_(1), word.add_(1)))
    for batch in DECODED:
        step, cache = decoding_step(batch)
        read = cache.k.nbytes + cache.v.nbytes
        yield {
            "batch": batch,
            "heads": cache.k.shape[1],
            "window": GAIN.window,
            "step_ms": graph_milliseconds(step),
            "launches_ms": launches,
            "bytes": read,
            "read_ms": read / bytes_per_s * 1e3,
        }


def decoding_step(batch: int) -> tuple[Callable[[], Tensor], RingCache]:
    """A step of 12 heads, and its cache, full."""
    cache = RingCache(GAIN, batch, 12, device=DEVICE, implementation="triton")
    cache.attend(*random_units(batch, 12, 12, GAIN.window, GAIN.head_dim, 0))
    token = random_units(batch, 12, 12, 1, GAIN.head_dim, 1)
    return partial(cache.attend, *token), cache


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
    with processes() as pool:  # Compile all.
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
