"""``make fuzz``: random heads, random tokens, random pacing; every output must be exact.

Each case draws a geometry, code widths, timing, schedule, readout, queries per token, retention and
a memory. It runs at least three laps of the ring on one of the two transports, and compares all
outputs with the contract; one case in ten runs under both simulators, which must say the same. The
table it writes is committed as docs/evidence/fuzz.md.
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

from gaincell.behavioral.lively import (
    coverage,
    leaking,
    lively_config,
    lively_tokens,
    random_pace,
)
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run import simulators
from gaincell.cocotb_tests.run.simulate import Memory, Simulated
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.refusals import Failed
from gaincell.text import markdown

LAPS = 3
LEAST_TOKENS = 120
MOST_TOKENS = 400
LONGEST_MEMORY_WAIT = 100_000
ICARUS_EVERY = 10
"""One case of so many runs under Icarus Verilog too."""


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
    def group(self) -> int:
        """Queries of each token."""
        return self.tokens.queries_per_token

    @property
    def simulators(self) -> tuple[str, ...]:
        """Verilator, and for some cases Icarus Verilog too."""
        return ("verilator", "icarus") if self.seed % ICARUS_EVERY == 0 else ("verilator",)


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
    longest_wait = int(rng.choice([0, 3, 2 * config.latency_cycles]))
    memory = _memory(config, rng)
    return Case(seed, config, tokens, transport, longest_wait, memory)


def _leaking(config: HeadConfig, rng: np.random.Generator) -> HeadConfig:
    """``config`` with refresh: as often as can be, less often, or hardly ever."""
    return leaking(config, float(rng.choice([1.0, 1.0, 2.5, 1000.0])))


def _memory(config: HeadConfig, rng: np.random.Generator) -> Memory:
    """At once, within patience, sometimes late, or slower than the visits that use all tags."""
    plan = config.retention
    assert plan is not None
    visit = min(plan.visit_cycles, LONGEST_MEMORY_WAIT // 8)
    patience = min(plan.patience_cycles, LONGEST_MEMORY_WAIT)
    return Memory(
        slowest_cycles=int(rng.choice([0, patience // 2, round(1.1 * patience), 8 * visit])),
        quick_share=float(rng.choice([0.0, 0.5])),
        burst_cycles=int(rng.choice([0, patience // 4])),
        busy_share=float(rng.choice([0.0, 0.1, 0.8])),
        busy_cycles=int(rng.choice([1, 2 * visit])),
    )


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
            run = verify(
                config,
                tokens,
                simulator=simulator,
                transport=case.transport,
                idle=idle,
                stall=stall,
                memory=case.memory,
                seed=case.seed,
            )
        except Failed as failure:
            return Verdict(case, covered, 0, 0, f"{simulator}: {failure}")
        runs.append(run)
    if differing := differences(runs):
        return Verdict(case, covered, 0, 0, f"the simulators differ in {', '.join(differing)}")
    status = runs[0].status
    return Verdict(case, covered, status["refreshed"], status["dropped"], None)


def differences(runs: list[Simulated]) -> list[str]:
    """What is not the same in all runs, the time that they took aside."""
    names = (field.name for field in fields(Simulated) if field.name != "seconds")
    return [
        name
        for name in names
        if not all(np.array_equal(getattr(runs[0], name), getattr(run, name)) for run in runs[1:])
    ]


def run_seed(seed: int) -> Verdict:
    """Draw and run one case."""
    return run_case(draw_case(seed))


def _compile_fast() -> None:
    """Runs of a few hundred tokens are shorter than an optimizing compiler."""
    simulators.OPTIMIZATION = "-O0"


COLUMNS = (
    *("seed", "D", "M", "N", "P", "G", "bits", "cell", "cycles", "schedule", "readout", "age"),
    *("visit", "simulators", "transport", "wait", "memory", "tokens", "columns", "covered"),
    "result",
)


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
        "longest idle and stall, cycles. Memory: longest answer in cycles, share of answers at "
        "once, cycles of a burst, share of time in which it takes no request, cycles at a time. "
        "Columns: refreshed, dropped. No read was older than its bound. What two simulators say "
        "is the same in everything: outputs, latencies, events, status.",
        "",
    ]
    rows = []
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
        rows.append([str(cell) for cell in cells])
    return "\n".join([*lines, markdown(COLUMNS, rows)]) + "\n"


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
