"""Time and memory of the torch op beside the reference's algorithm and stock softmax attention.

    python benchmarks/attention.py -o docs/evidence/tables/attention.md
    python benchmarks/attention.py --device auto --results results.json

Forward and backward of one layer, batch 1, 12 heads of 64 dimensions, float32. Every measurement is
a process of its own, so that its peak memory is its own; cases take turns, and medians are given.
The reference's algorithm is written down here from the description of Leroux et al. (2025): a
decay mask over all pairs of tokens for each order of the cell, sub-tiles by position.
"""

import argparse
import json
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from subprocess import run
from sys import executable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.ml.attention import attention
from gaincell.ml.attention.quantisers import quantise, read_out

HEADS, DIMS = 12, 64
Case = tuple[int, tuple[str, ...]]
CASES: list[Case] = [
    (1024, ("ours", "reference", "SDPA")),
    (4096, ("ours", "SDPA, window")),
    (32768, ("ours",)),
]
"""Tokens, and what is measured there."""


def ours(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention(q, k, v, HeadConfig())


def reference(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """As the public training code goes about it: T x T masks, one product per order and tile."""
    config = HeadConfig()
    tokens = q.shape[2]
    q = quantise(q, config.query_bits)
    k, v = (config.full_scale_v * quantise(x, 3) - config.center_v for x in (k, v))
    position = torch.arange(tokens, device=q.device)
    age = position[:, None] - position
    causal = age >= 0
    rate = config.decay_rate
    decays = [torch.exp(-i * rate * age.clamp(min=0).float()) for i in range(4)]

    def response(drive: Tensor, volts: Tensor, tile: slice, turned: bool) -> Tensor:
        """Cubic forward, linear backward."""
        coefficients = config.cell_coefficients
        slope = 19.3

        def term(i: int) -> Tensor:
            power = volts[:, :, tile] ** i
            if turned:
                return (drive * decays[i][:, tile]) @ power
            return (drive @ power.transpose(2, 3)) * decays[i][:, tile]

        linear = slope * term(1)
        with torch.no_grad():
            cubic = sum(coefficients[i] * term(i) for i in range(4))
        return linear + (cubic - linear).detach()

    scores = response(q, k, slice(None), turned=False)
    phi = (scores / config.s_sat).clamp(0, 1) * causal
    y = torch.zeros_like(q)
    for begin in range(0, tokens, config.columns):
        tile = slice(begin, begin + config.columns)
        charge = response(phi[..., tile], v, tile, turned=True)
        steps = charge * (config.readout_max / config.a_sat)
        y = y + read_out(steps.clamp(-config.readout_max, config.readout_max), config.readout_max)
    return y


def sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, is_causal=True)


def windowed_sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    position = torch.arange(q.shape[2], device=q.device)
    age = position[:, None] - position
    return scaled_dot_product_attention(q, k, v, attn_mask=(age >= 0) & (age < HeadConfig().window))


OPS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "ours": ours,
    "reference": reference,
    "SDPA": sdpa,
    "SDPA, window": windowed_sdpa,
}


def measure(name: str, tokens: int, repetitions: int, device: str) -> tuple[float, float]:
    """Median time, s, and peak memory beyond inputs, MB, in this process."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, tokens, DIMS)
    inputs = [torch.rand(shape, generator=generator).to(device) for _ in range(3)]
    inputs = [x.requires_grad_() for x in inputs]
    upstream = torch.randn(shape, generator=generator).to(device)
    small = [x[:, :, :64].detach().requires_grad_() for x in inputs]
    OPS[name](*small).backward(upstream[:, :, :64])
    if device == "cuda":  # The libraries choose their kernels at a size's first call.
        OPS[name](*inputs).backward(upstream)
    before = memory_mb(device)
    times = []
    for _ in range(repetitions):
        for x in inputs:
            x.grad = None
        wait(device)
        begin = perf_counter()
        OPS[name](*inputs).backward(upstream)
        wait(device)
        times.append(perf_counter() - begin)
    return median(times), peak_mb(device) - before


def wait(device: str) -> None:
    """Until the device has done all work."""
    if device == "cuda":
        torch.cuda.synchronize()


def memory_mb(device: str) -> float:
    """Memory taken before the measurement."""
    if device == "cpu":
        return peak_mb(device)
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated() / 2**20


def peak_mb(device: str) -> float:
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return torch.cuda.max_memory_allocated() / 2**20


def measured_apart(
    name: str, tokens: int, repetitions: int, device: str = "cpu"
) -> tuple[float, float]:
    """``measure`` in a process of its own."""
    command = [executable, __file__, "--one", name, str(tokens), str(repetitions)]
    command += ["--device", device]
    seconds, megabytes = json.loads(run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, megabytes


def rows(rounds: int, cases: Sequence[Case], device: str) -> list[dict[str, Any]]:
    """Time and memory of each case, as medians of ``rounds`` processes; printed as they come."""
    found: list[dict[str, Any]] = []
    for tokens, names in cases:
        repetitions = 3 if tokens <= 4096 else 1
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                taken[name].append(measured_apart(name, tokens, repetitions, device))
        for name in names:
            seconds, memory = (median(values) for values in zip(*taken[name], strict=True))
            found.append(
                {"tokens": tokens, "operation": name, "seconds": seconds, "peak_mb": memory}
            )
            print(found[-1], flush=True)
    return found


def table(found: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| tokens | | time, ms | to ours | peak beyond inputs, MB |",
        "|---|---|---|---|---|",
    ]
    own = {row["tokens"]: row["seconds"] for row in found if row["operation"] == "ours"}
    for row in found:
        tokens, seconds = row["tokens"], row["seconds"]
        lines.append(
            f"| {tokens} | {row['operation']} | {seconds * 1e3:.0f} | {seconds / own[tokens]:.2f} "
            f"| {row['peak_mb']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--device", choices=("cpu", "cuda", "auto"), default="cpu", help="auto: a GPU if there is"
    )
    parser.add_argument("--tokens", type=int, help="all operations at this length only")
    parser.add_argument("--results", type=Path, help="JSON file for the rows")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if arguments.one is not None:
        name, tokens, repetitions = arguments.one
        print(json.dumps(measure(name, int(tokens), int(repetitions), device)))
        return
    for path in (arguments.output, arguments.results):
        if path is not None:
            check_writable(path)
    cases = CASES if arguments.tokens is None else [(arguments.tokens, tuple(OPS))]
    found = rows(arguments.rounds, cases, device)
    for path, text in (
        (arguments.output, table(found)),
        (arguments.results, json.dumps(found, indent=1) + "\n"),
    ):
        if path is not None:
            with replacing(path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
