"""Time and memory of the torch op beside the reference's algorithm and stock softmax attention.

    python benchmarks/attention.py -o docs/evidence/tables/attention.md

Forward and backward of one layer, batch 1, 12 heads of 64 dimensions, float32. Every measurement is
a process of its own, so that its peak memory is its own; cases take turns, and medians are given.
The reference's algorithm is written down here from the description of Leroux et al. (2025): a
decay mask over all pairs of tokens for each order of the cell, sub-tiles by position.
"""

import argparse
import json
import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median
from subprocess import run
from sys import executable
from time import perf_counter

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.ml.attention import attention
from gaincell.ml.attention.quantisers import quantise, read_out

HEADS, DIMS = 12, 64
CASES = [
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
    age = torch.arange(tokens)[:, None] - torch.arange(tokens)
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
    position = torch.arange(q.shape[2])
    age = position[:, None] - position
    return scaled_dot_product_attention(q, k, v, attn_mask=(age >= 0) & (age < HeadConfig().window))


OPS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "ours": ours,
    "reference": reference,
    "SDPA": sdpa,
    "SDPA, window": windowed_sdpa,
}


def measure(name: str, tokens: int, repetitions: int) -> tuple[float, float]:
    """Median time, s, and peak memory beyond inputs, MB, in this process."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, tokens, DIMS)
    inputs = [torch.rand(shape, generator=generator).requires_grad_() for _ in range(3)]
    upstream = torch.randn(shape, generator=generator)
    small = [x[:, :, :64].detach().requires_grad_() for x in inputs]
    OPS[name](*small).backward(upstream[:, :, :64])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(repetitions):
        for x in inputs:
            x.grad = None
        begin = perf_counter()
        OPS[name](*inputs).backward(upstream)
        times.append(perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return median(times), peak / 1024


def measured_apart(name: str, tokens: int, repetitions: int) -> tuple[float, float]:
    """``measure`` in a process of its own."""
    command = [executable, __file__, "--one", name, str(tokens), str(repetitions)]
    seconds, megabytes = json.loads(run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, megabytes


def table(rounds: int) -> str:
    lines = [
        "| tokens | | time, ms | to ours | peak beyond inputs, MB |",
        "|---|---|---|---|---|",
    ]
    for tokens, names in CASES:
        repetitions = 3 if tokens <= 4096 else 1
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                taken[name].append(measured_apart(name, tokens, repetitions))
        own = median(seconds for seconds, _ in taken["ours"])
        for name in names:
            seconds = median(seconds for seconds, _ in taken[name])
            memory = median(memory for _, memory in taken[name])
            lines.append(
                f"| {tokens} | {name} | {seconds * 1e3:.0f} | {seconds / own:.2f} | {memory:.0f} |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        name, tokens, repetitions = arguments.one
        print(json.dumps(measure(name, int(tokens), int(repetitions))))
        return
    if arguments.output is not None:
        check_writable(arguments.output)
    text = table(arguments.rounds)
    if arguments.output is not None:
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
