"""The standard scenarios: runs of a head that together make it do everything it can."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.lively import lively_config, lively_tokens, random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.simulate import Memory
from gaincell.config import PRESETS, HeadConfig

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


@dataclass(frozen=True)
class Scenario:
    """Arguments of ``verify``, besides the head: ``config`` and ``tokens``, and others by name."""

    config: HeadConfig
    tokens: Tokens
    how: dict[str, Any]


def scenarios(head: HeadConfig, seed: int = 0) -> dict[str, Scenario]:
    """The scenarios of one head by name, in the order in which they are run.

    Raises
    ------
    ValueError
        The head has no refresh.
    """
    plan = head.retention
    if plan is None:
        raise ValueError("the head has no refresh, but the scenarios are about it too")
    rng = np.random.default_rng(seed)
    config = lively_config(head, rng)
    short, visit = LAPS * config.window, plan.visit_cycles

    def scenario(
        count: int,
        group: int = 1,
        idle: int | NDArray[np.int64] = 0,
        stall: int = 0,
        first_share: float = 0.0,
        **how: Any,
    ) -> Scenario:
        tokens = _tokens(config, count, group, first_share, rng)
        for name, waits in (("idle", idle), ("stall", stall)):
            if isinstance(waits, int):
                how[name] = random_pace(count * group, waits, rng)
            else:
                how[name] = waits
        return Scenario(config, tokens, {"seed": seed} | how)

    # Waits that move the start of a sequence cycle by cycle over the edges of a visit.
    edges = np.full(60, 7 * visit - 2)
    edges[0], edges[30] = 8, edges[30] + plan.patience_cycles + 20
    rest = np.zeros(short, dtype=np.int64)
    rest[5::7] = 3 * config.stored_columns * visit
    middle = (short // 2) * (config.latency_cycles + visit // 2)
    return {
        "stream": scenario(2 * short, group=2, first_share=0.06),
        "stalls": scenario(
            short, group=2, idle=100, stall=200, first_share=0.1, transport="per-ns"
        ),
        "slow tokens": scenario(2 * short, idle=4 * visit, first_share=0.02),
        "slow memory": scenario(
            2 * short, group=2, idle=3 * visit, stall=100, memory=Memory(6 * visit, busy_share=0.5)
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
        "starts at edges": scenario(60, first_share=1.0, idle=edges, memory=Memory(busy_share=1.0)),
        "standstill": scenario(
            short, idle=rest, memory=Memory(2 * plan.patience_cycles, busy_share=0.3)
        ),
        "reset": scenario(
            short,
            group=2,
            idle=2 * visit,
            memory=Memory(visit, busy_share=0.3),
            interrupt_cycle=middle,
        ),
        "reset while busy": scenario(short, stall=80, interrupt_cycle=20 * config.interval_cycles),
    }


def _tokens(
    config: HeadConfig, count: int, group: int, first_share: float, rng: np.random.Generator
) -> Tokens:
    tokens = lively_tokens(count, config, rng, first_share)
    if group > 1:
        others = [rng.permutation(tokens.q_code) for _ in range(group - 1)]
        tokens = replace(tokens, q_code=np.stack([tokens.q_code, *others], axis=1))
    return tokens
