"""The standard scenarios: runs of a head or a core that make it do everything it can."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.lively import lively_config, lively_tokens, random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.simulate import Memory
from gaincell.config import PRESETS, HeadConfig
from gaincell.core.config import CoreConfig, core_of

LAPS = 3
HEADS = {
    "tiny": replace(PRESETS["tiny"], retention_s=20e-6),
    "sink": HeadConfig(
        head_dim=5,
        window=12,
        columns=3,
        sink=2,
        readout="counters",
        schedule="paired",
        sync_stages=2,
        step_cycles=2,
        retention_s=30e-6,
        age_mode="time",
    ),
}
"""The preset "tiny" and a scaled head of the other kinds; time is scaled so that both refresh."""
CORES = {
    "two groups": CoreConfig(
        head=HeadConfig(
            head_dim=2,
            window=8,
            columns=4,
            query_bits=2,
            key_bits=3,
            value_bits=3,
            readout_bits=2,
            write_cycles=3,
            retention_s=20e-6,
        ),
        heads=4,
        heads_per_group=2,
        token_beat_bits=5,
        result_beat_bits=4,
        refresh_beat_bits=7,
    ),
}
"""Cores in beats, likewise; no beat of theirs divides what it is a part of."""
CORE_PARTS = ("head", "group", "token_upsizer", "response_upsizer", "result_downsizer")
"""Components of a core that a head does not have, or that join what a head has."""
PAUSE = 0.4


@dataclass(frozen=True)
class Scenario:
    """Arguments of ``verify``: ``config`` and ``tokens``, and others by name."""

    config: HeadConfig | CoreConfig
    tokens: Tokens
    how: dict[str, Any]


def scenarios(design: HeadConfig | CoreConfig, seed: int = 0) -> dict[str, Scenario]:
    """The scenarios of one head or core by name, in the order in which they are run.

    Raises
    ------
    ValueError
        The head has no refresh.
    """
    core = core_of(design)
    plan = core.head.retention
    if plan is None:
        raise ValueError("the head has no refresh, but the scenarios are about it too")
    rng = np.random.default_rng(seed)
    config = lively_config(core.head, rng)
    lively = replace(core, head=config) if core is design else config
    short, visit = LAPS * config.window, plan.visit_cycles

    def scenario(
        count: int,
        group: int = 1,
        idle: int | NDArray[np.int64] = 0,
        stall: int = 0,
        first_share: float = 0.0,
        **how: Any,
    ) -> Scenario:
        tokens = _tokens(lively, count, group, first_share, rng)
        queries = (count, tokens.queries_per_token)
        for name, waits in (("idle", idle), ("stall", stall)):
            if isinstance(waits, int):
                how[name] = random_pace(count * queries[1], waits, rng)
            else:
                how[name] = np.zeros(queries, dtype=np.int64)
                how[name][:, 0] = waits
        return Scenario(lively, tokens, {"seed": seed} | how)

    # Sequences of two tokens, which move cycle by cycle over the edges of visits: the second token
    # comes about when the visit of its column begins, or when that visit loses patience.
    sweep, ahead = config.stored_columns * visit, 8 * visit
    second = config.window + 1 if config.sink > 1 else 1
    edges = np.tile([sweep - ahead, ahead - 1], 30)
    edges[0] = (second * visit - ahead) % sweep - 20
    late = edges + np.where(np.arange(60) == 0, plan.patience_cycles, 0)
    rest = np.zeros(short, dtype=np.int64)
    edges_of_fill = (range(1, config.sink + 2), range(config.window - 1, config.stored_columns + 1))
    rest[[*edges_of_fill[0], *edges_of_fill[1]]] = 2 * config.stored_columns * visit
    middle = (short // 2) * (config.latency_cycles + visit // 2)
    pause: dict[str, Any] = {"beat_pause": PAUSE} if core.in_beats else {}
    return {
        "stream": scenario(2 * short, group=2, first_share=0.06),
        "stalls": scenario(
            short, group=2, idle=100, stall=200, first_share=0.1, transport="per-ns", **pause
        ),
        "slow tokens": scenario(2 * short, idle=4 * visit, first_share=0.02),
        "slow memory": scenario(
            2 * short,
            group=2,
            idle=3 * visit,
            stall=100,
            memory=Memory(6 * visit, busy_share=0.5),
            **pause,
        ),
        "bursts": scenario(
            2 * short,
            idle=3 * visit,
            memory=Memory(5 * visit, burst_cycles=visit, busy_share=0.3, busy_cycles=visit),
        ),
        "late memory": scenario(
            2 * short,
            idle=3 * visit,
            first_share=0.02,
            memory=Memory(round(1.2 * plan.patience_cycles), busy_share=0.3),
        ),
        "silent memory": scenario(short, idle=3 * visit, memory=Memory(busy_share=1.0)),
        "busy refresh": scenario(16 * short, stall=90, memory=Memory(visit // 2, busy_share=0.3)),
        "edges of visits": _in_pairs(scenario(60, idle=edges)),
        "edges of patience": _in_pairs(scenario(60, idle=late, memory=Memory(busy_share=1.0))),
        "standstill": scenario(
            short, idle=rest, memory=Memory(2 * plan.patience_cycles, busy_share=0.3)
        ),
        "reset": scenario(
            short,
            group=2,
            idle=2 * visit,
            memory=Memory(visit, busy_share=0.3),
            interrupt_cycle=middle,
            **pause,
        ),
        "reset while busy": scenario(short, stall=80, interrupt_cycle=20 * config.interval_cycles),
    }


def _in_pairs(scenario: Scenario) -> Scenario:
    """The scenario with a start at every other token."""
    first = np.arange(len(scenario.tokens)) % 2 == 0
    return replace(scenario, tokens=replace(scenario.tokens, first=first))


def _tokens(
    design: HeadConfig | CoreConfig,
    count: int,
    group: int,
    first_share: float,
    rng: np.random.Generator,
) -> Tokens:
    """Tokens of a head with ``group`` queries each; of a core with those of its groups."""
    core = core_of(design)
    if core is design:
        return lively_tokens(count, core.head, rng, first_share, core.heads_and_groups)
    tokens = lively_tokens(count, core.head, rng, first_share)
    if group > 1:
        others = [rng.permutation(tokens.q_code) for _ in range(group - 1)]
        tokens = replace(tokens, q_code=np.stack([tokens.q_code, *others], axis=1))
    return tokens
