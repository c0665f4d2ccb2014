"""Attention on a GPU: is the kernel exact there, and how fast beside others, in one process.

    python benchmarks/attention_gpu.py --results results.json
    python benchmarks/attention_gpu.py --tune --results results.json

Exactness: codes of the kernel against the torch op in float64, and gradients against its. Times are
medians of single calls between events, after a warm-up, with the card's measured peaks beside them.
The authors' algorithm and SDPA are those of benchmarks/attention.py.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from attention import reference
from on_gpu.kernels import decoding, preparation, tuning
from on_gpu.times import (
    DEVICE,
    GAIN,
    SIZES,
    device_milliseconds,
    milliseconds,
    peaks,
    processes,
    random_units,
)
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.ml.attention import attention

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
LONGEST_REFERENCE = 4096
"""Tokens: the authors' algorithm keeps several T x T masks of every head."""


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
    with processes() as pool:
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
                work = partial(_both, op, own, upstream)
                both, alone = milliseconds(work, 10), device_milliseconds(work)
            except torch.OutOfMemoryError:
                yield row | {"error": "out of memory"}
                continue
            peak = torch.cuda.max_memory_allocated() - before
            row |= {"forward_ms": forward, "both_ms": both, "device_ms": alone}
            yield row | {"peak_mb": peak / 2**20}


def _both(op: Callable[..., Tensor], inputs: list[Tensor], upstream: Tensor) -> None:
    torch.autograd.grad(op(*inputs), inputs, upstream)


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
