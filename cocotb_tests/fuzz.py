"""``make fuzz``: random heads, random tokens, random pacing; every output must be exact.

Each case draws a geometry, code widths, timing, schedule and readout, runs at least three laps of
the ring on one of the two transports, and compares with the contract. The table it writes is
committed as docs/fuzz.md.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gaincell.cocotb_tests.lively import coverage, lively_config, lively_tokens, random_pace
from gaincell.cocotb_tests.token_files import Tokens
from gaincell.cocotb_tests.verify import verify
from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.refusals import Failed

LAPS = 3
LEAST_TOKENS = 120
MOST_TOKENS = 400


@dataclass(frozen=True)
class Case:
    """One random head with its tokens and how they are offered and taken."""

    seed: int
    config: HeadConfig
    tokens: Tokens
    transport: str
    longest_wait: int


@dataclass(frozen=True)
class Verdict:
    """What became of a case; ``failure`` is None if every output was exact."""

    case: Case
    coverage: str
    failure: str | None


def draw_case(seed: int) -> Case:
    """The case of ``seed``, the same on every machine: the first draw that covers enough."""
    draws = (_draw(seed, attempt) for attempt in count())
    return next(case for case in draws if coverage(case.tokens, case.config).sufficient)


def _draw(seed: int, attempt: int) -> Case:
    rng = np.random.default_rng([seed, attempt])
    columns = int(rng.integers(1, 10))
    laps_fit = MOST_TOKENS // (LAPS * columns)
    tiles = int(rng.integers(1, min(9, laps_fit) + 1))
    config = HeadConfig(
        head_dim=int(rng.integers(1, 17)),
        window=columns * tiles,
        columns=columns,
        sink=int(rng.integers(0, columns + 1)) if rng.random() < 0.4 else 0,
        query_bits=int(rng.integers(1, 6)),
        key_bits=int(rng.integers(2, 9)),
        value_bits=int(rng.integers(1, 9)),
        readout_bits=int(rng.integers(1, 7)),
        cell="linear" if rng.random() < 0.2 else "cubic",
        write_cycles=int(rng.integers(1, 13)),
        reset_cycles=int(rng.integers(1, 5)),
        step_cycles=int(rng.integers(1, 3)),
        sync_stages=int(rng.integers(1, 3)),
        schedule=str(rng.choice(["sequential", "overlapped", "paired"])),
        readout=str(rng.choice(["popcount", "counters"])),
    )
    config = lively_config(config, rng)
    length = max(LEAST_TOKENS, LAPS * config.window + int(rng.integers(0, config.window + 1)))
    tokens = lively_tokens(length, config, rng)
    if rng.random() < 0.3:  # a second sequence, three laps behind the first
        again = lively_tokens(config.window + 4, config, rng)
        tokens = {name: np.concatenate([tokens[name], again[name]]) for name in tokens}
    transport = "per-ns" if rng.random() < 0.5 else "fast"
    longest_wait = int(rng.choice([0, 3, 2 * config.latency_cycles]))
    return Case(seed, config, tokens, transport, longest_wait)


def run_case(case: Case) -> Verdict:
    """Simulate and compare one case."""
    config, tokens = case.config, case.tokens
    rng = np.random.default_rng(case.seed)
    length = len(tokens["q"])
    covered = str(coverage(tokens, config))
    try:
        verify(
            config,
            tokens,
            transport=case.transport,
            idle=random_pace(length, case.longest_wait, rng),
            stall=random_pace(length, case.longest_wait, rng),
            seed=case.seed,
        )
    except Failed as failure:
        return Verdict(case, covered, str(failure))
    return Verdict(case, covered, None)


def run_seed(seed: int) -> Verdict:
    """Draw and run one case."""
    return run_case(draw_case(seed))


def report(verdicts: list[Verdict], command: str, seconds: float) -> str:
    """Markdown table of all cases."""
    failures = sum(verdict.failure is not None for verdict in verdicts)
    tokens = sum(len(verdict.case.tokens["q"]) for verdict in verdicts)
    lines = [
        "# Random heads",
        "",
        f"`{command}`: {len(verdicts)} heads, {tokens} tokens, {failures} failures, "
        f"{seconds / 60:.0f} minutes.",
        "",
        "D, M, N, P: head dimension, window, columns of a sub-tile, sink. Bits: query, key, value, "
        "read-out. Cycles: write, reset, step, sync stages. Wait: longest idle and stall, cycles.",
        "",
        "| seed | D | M | N | P | bits | cell | cycles | schedule | readout | transport | wait "
        "| tokens | covered | result |",
        "|---" * 15 + "|",
    ]
    for verdict in verdicts:
        case, config = verdict.case, verdict.case.config
        bits = (config.query_bits, config.key_bits, config.value_bits, config.readout_bits)
        cycles = (
            config.write_cycles,
            config.reset_cycles,
            config.step_cycles,
            config.sync_stages,
        )
        cells = (
            case.seed,
            config.head_dim,
            config.window,
            config.columns,
            config.sink,
            " ".join(map(str, bits)),
            config.cell,
            " ".join(map(str, cycles)),
            config.schedule,
            config.readout,
            case.transport,
            case.longest_wait,
            len(case.tokens["q"]),
            verdict.coverage,
            verdict.failure or "exact",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the rest count up")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at a time")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check_writable(arguments.output)
    except ValueError as error:
        parser.error(str(error))
    started = time.monotonic()
    seeds = range(arguments.seed, arguments.seed + arguments.cases)
    verdicts = []
    with ProcessPoolExecutor(arguments.jobs) as workers:
        for verdict in tqdm(workers.map(run_seed, seeds), total=len(seeds), unit=" heads"):
            verdicts.append(verdict)
            if verdict.failure:
                tqdm.write(f"seed {verdict.case.seed}: {verdict.failure}")
    text = report(verdicts, "make fuzz", time.monotonic() - started)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(text)
    return int(any(verdict.failure for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
