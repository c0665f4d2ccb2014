"""``make fuzz``: random heads, random tokens, random pacing; every output must be exact.

Each case draws a geometry, code widths, timing, schedule, readout, queries per token, retention and
a memory, which may be slower than all tags last. It runs at least three laps of the ring on one of
the two transports, and compares all outputs with the contract. Every tenth case runs on both
simulators: answers, events and status must be the same. The table it writes is committed as
docs/evidence/fuzz.md.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields, replace
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gaincell.behavioral.lively import coverage, lively_config, lively_tokens, random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run import simulators
from gaincell.cocotb_tests.run.simulate import Memory, Simulated
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.refusals import Failed

LAPS = 3
LEAST_TOKENS = 120
MOST_TOKENS = 400
LONGEST_MEMORY_WAIT = 100_000
BOTH_SIMULATORS = 10
"""One in so many cases runs on both."""


@dataclass(frozen=True)
class Case:
    """One random head with its tokens and how they are offered and taken."""

    seed: int
    config: HeadConfig
    tokens: Tokens
    transport: str
    longest_wait: int
    memory: Memory

    @property
    def simulators(self) -> tuple[str, ...]:
        """The simulators that run it."""
        names = tuple(simulators.SIMULATORS)
        return names if self.seed % BOTH_SIMULATORS == 0 else names[:1]

    @property
    def group(self) -> int:
        """Queries of each token."""
        return self.tokens.queries_per_token


@dataclass(frozen=True)
class Verdict:
    """What became of a case; ``failure`` is None if every output was exact."""

    case: Case
    coverage: str
    refreshed: int
    dropped: int
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
        readout=str(rng.choice(READOUT_NAMES)),
        age_mode=str(rng.choice(["steps", "time"])),
        refresh=False,
    )
    config = lively_config(_leaking(config, rng), rng)
    length = max(LEAST_TOKENS, LAPS * config.window + int(rng.integers(0, config.window + 1)))
    tokens = lively_tokens(length, config, rng)
    if rng.random() < 0.3:  # a second sequence, three laps behind the first
        again = lively_tokens(config.window + 4, config, rng)
        tokens = Tokens.concatenate([tokens, again])
    group = int(rng.choice([1, 1, 2, 3]))
    if group > 1:
        others = [rng.permutation(tokens.q_code) for _ in range(group - 1)]
        tokens = replace(tokens, q_code=np.stack([tokens.q_code, *others], axis=1))
    transport = "per-ns" if rng.random() < 0.5 else "fast"
    plan = config.retention
    assert plan is not None
    longest_wait = int(rng.choice([0, 3, 2 * config.latency_cycles]))
    # At once, in time, sometimes late, or so late that every tag is out.
    waits = (0, plan.patience_cycles // 2, round(1.1 * plan.patience_cycles), 6 * plan.visit_cycles)
    slowest = min(int(rng.choice(waits)), LONGEST_MEMORY_WAIT)
    memory = Memory(
        slowest,
        burst_cycles=int(rng.choice([0, 0, plan.visit_cycles])),
        busy_share=float(rng.choice([0.0, 0.5, 0.9])),
        busy_cycles=int(rng.choice([1, plan.visit_cycles])),
    )
    return Case(seed, config, tokens, transport, longest_wait, memory)


def _leaking(config: HeadConfig, rng: np.random.Generator) -> HeadConfig:
    """``config`` with refresh: as often as can be, less often, or hardly ever."""
    shortest = replace(config, retention_s=1e3, refresh=True).retention
    assert shortest is not None
    visits = config.stored_columns + 2 * shortest.segment_visits + 1
    # After its write, a visit leaves patience for one query at least.
    write = shortest.visit_cycles - shortest.patience_cycles
    least = visits * (write + config.interval_cycles) + 1
    bound_s = least * float(rng.choice([1.0, 1.0, 2.5, 1000.0])) * config.clock_s
    retention_s = -bound_s / np.log(1 - 2 * config.retention_error_limit)
    token_s = config.interval_cycles * config.clock_s
    return replace(config, retention_s=float(retention_s), token_s=token_s, refresh=True)


def run_case(case: Case) -> Verdict:
    """Simulate and compare one case."""
    config, tokens = case.config, case.tokens
    rng = np.random.default_rng(case.seed)
    queries = len(tokens) * case.group
    covered = str(coverage(tokens, config))
    idle, stall = (random_pace(queries, case.longest_wait, rng) for _ in range(2))
    runs = []
    for simulator in case.simulators:
        try:
            runs.append(
                verify(
                    config,
                    tokens,
                    simulator=simulator,
                    transport=case.transport,
                    idle=idle,
                    stall=stall,
                    memory=case.memory,
                    seed=case.seed,
                )
            )
        except Failed as failure:
            return Verdict(case, covered, 0, 0, f"{simulator}: {failure}")
    if differing := differences(runs):
        return Verdict(case, covered, 0, 0, f"the simulators differ in {', '.join(differing)}")
    status = runs[0].status
    return Verdict(case, covered, status["refreshed"], status["dropped"], None)


def differences(runs: list[Simulated]) -> list[str]:
    """What is not the same in all runs, the time that they took aside."""
    first = runs[0]
    return [
        field.name
        for field in fields(Simulated)
        if field.name != "seconds"
        and not all(
            np.array_equal(getattr(first, field.name), getattr(run, field.name)) for run in runs
        )
    ]


def run_seed(seed: int) -> Verdict:
    """Draw and run one case."""
    return run_case(draw_case(seed))


def _compile_fast() -> None:
    """Runs of a few hundred tokens are shorter than an optimizing compiler."""
    simulators.OPTIMIZATION = "-O0"


def report(verdicts: list[Verdict], command: str, seconds: float) -> str:
    """Markdown table of all cases."""
    failures = sum(verdict.failure is not None for verdict in verdicts)
    tokens = sum(len(verdict.case.tokens) for verdict in verdicts)
    queries = sum(len(verdict.case.tokens) * verdict.case.group for verdict in verdicts)
    refreshed = sum(verdict.refreshed for verdict in verdicts)
    dropped = sum(verdict.dropped for verdict in verdicts)
    lines = [
        "# Random heads",
        "",
        f"`{command}`: {len(verdicts)} heads, {tokens} tokens, {queries} queries, {refreshed} "
        f"columns refreshed, {dropped} dropped, {failures} failures, {seconds / 60:.0f} minutes.",
        "",
        "D, M, N, P, G: head dimension, window, columns of a sub-tile, sink, queries per token. "
        "Bits: query, key, value, read-out. Cycles: write, reset, step, sync stages. Age: counted "
        "in tokens (steps) or on the wires (time). Visit: cycles of a column's visit. Wait: "
        "longest idle and stall, cycles. Memory: longest answer, cycles of a burst, busy share, "
        "cycles of being busy. Columns: refreshed, "
        "dropped. No read was older than its bound. Every tenth head ran on both simulators.",
        "",
        "| seed | D | M | N | P | G | bits | cell | cycles | schedule | readout | age | visit "
        "| simulators | transport | wait | memory | tokens | columns | covered | result |",
        "|---" * 21 + "|",
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
            case.group,
            " ".join(map(str, bits)),
            config.cell,
            " ".join(map(str, cycles)),
            config.schedule,
            config.readout,
            config.age_mode,
            config.retention.visit_cycles if config.retention else "none",
            len(case.simulators),
            case.transport,
            case.longest_wait,
            " ".join(map(str, astuple(case.memory))),
            len(case.tokens),
            f"{verdict.refreshed} {verdict.dropped}",
            verdict.coverage,
            verdict.failure or "exact",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
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
    with ProcessPoolExecutor(arguments.jobs, initializer=_compile_fast) as workers:
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
