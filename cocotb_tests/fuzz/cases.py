"""Random heads with random tokens and pacing: geometry, code widths, timing, retention, memory."""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from gaincell.behavioral.lively import (
    coverage,
    leaking,
    lively_config,
    lively_tokens,
)
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.simulate import Memory
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.core.config import CoreConfig, core_of

LAPS = 3
LEAST_TOKENS = 120
MOST_TOKENS = 400
LONGEST_MEMORY_WAIT = 100_000
MOST_DIMENSIONS, LARGEST_BEAT = 24, 40
"""Of the groups of a core together; bits."""
ICARUS_EVERY = 10
"""One case of so many runs under Icarus Verilog too."""


@dataclass(frozen=True)
class Case:
    """One random head or core with its tokens and how they are offered and taken."""

    seed: int
    design: HeadConfig | CoreConfig
    tokens: Tokens
    transport: str
    longest_wait: int
    memory: Memory
    beat_pause: float = 0.0

    @property
    def config(self) -> HeadConfig:
        """Of the head, or of every head."""
        return core_of(self.design).head

    @property
    def group(self) -> int:
        """Queries of each token."""
        return self.tokens.queries_per_token

    @property
    def simulators(self) -> tuple[str, ...]:
        """Verilator, and for some cases Icarus Verilog too."""
        return ("verilator", "icarus") if self.seed % ICARUS_EVERY == 0 else ("verilator",)


def draw_head(seed: int) -> Case:
    """The head of ``seed``, the same on every machine: the first draw that covers enough."""
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
        late_cycles=int(rng.choice([0, 0, 1, 3])),
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


def draw_core(seed: int) -> Case:
    """The core of ``seed``: heads as ``draw_head`` draws them, in lock step, most with beats."""
    head = draw_head(seed)
    for attempt in count():
        rng = np.random.default_rng([seed, attempt, 1])
        group = int(rng.integers(1, 4))
        groups = int(rng.choice([1, 2, 3, 4, 12 // group]))
        most = max(1, MOST_DIMENSIONS // groups)
        config = replace(head.config, head_dim=int(rng.integers(1, most + 1)))
        core = CoreConfig(
            head=lively_config(config, rng),
            heads=group * groups,
            heads_per_group=group,
            token_beat_bits=_beat_bits(rng),
            result_beat_bits=_beat_bits(rng),
            refresh_beat_bits=_beat_bits(rng),
        )
        core = _in_time(core)
        tokens = lively_tokens(
            len(head.tokens), core.head, rng, heads=core.heads_and_groups, first_share=0.01
        )
        if coverage(tokens, core.head).sufficient:
            pause = float(rng.choice([0.0, 0.2, 0.7]))
            return replace(head, design=core, tokens=tokens, beat_pause=pause)
    raise AssertionError


def _in_time(core: CoreConfig) -> CoreConfig:
    """``core`` with beats so wide that a quarter of a visit's patience brings refresh data."""
    plan, drawn = core.head.retention, core.refresh_beat_bits
    assert plan is not None
    if drawn is None:
        return core
    least = -(-4 * core.stored_bits // plan.patience_cycles)
    return replace(core, refresh_beat_bits=max(drawn, least))


def _beat_bits(rng: np.random.Generator) -> int | None:
    return None if rng.random() < 0.25 else int(rng.integers(1, LARGEST_BEAT + 1))


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
