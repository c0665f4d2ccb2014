"""Columns that outlive their cells: refreshed in time, dropped in time, never read too old."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gaincell.behavioral.events import Events
from gaincell.behavioral.lively import random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.conftest import lively_run
from gaincell.cocotb_tests.run.simulate import Memory, SimulationFailed
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import PRESETS, HeadConfig

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("longer_runs")]

SLOW: dict[str, Any] = PRESETS["tiny"].fields_set() | {"retention_s": 25e-6, "age_mode": "time"}
"""Three windows of tokens that outlive their cells several times, within a million cycles."""
IDLE = 4000
TOKENS = 48


def slow_run(**fields: Any) -> tuple[HeadConfig, Tokens, np.ndarray]:
    config, tokens = lively_run(HeadConfig(**SLOW | fields), seed=21)
    return config, tokens[:TOKENS], np.full(TOKENS, IDLE)


def bound_of(config: HeadConfig) -> int:
    assert config.bound_cycles is not None
    return config.bound_cycles


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_slow_decoding_is_exact_and_never_reads_beyond_the_bound(transport: str) -> None:
    config, tokens, idle = slow_run()
    simulated = verify(config, tokens, idle=idle, transport=transport)
    assert 3 * config.window <= TOKENS
    assert simulated.cycles <= 1_000_000
    assert config.window * IDLE > 10 * bound_of(config)
    assert simulated.status["refreshed"] > 500
    assert simulated.status["dropped"] == 0
    assert 0.7 * bound_of(config) < simulated.oldest_read_cycles <= bound_of(config)


def test_without_refresh_the_age_checker_fires() -> None:
    config, tokens, idle = slow_run(refresh=False)
    with pytest.raises(SimulationFailed, match=f"beyond the bound of {config.bound_cycles}"):
        verify(config, tokens, idle=idle)


def test_without_refresh_most_outputs_are_wrong() -> None:
    config, tokens, idle = slow_run(refresh=False)
    decayed = verify(config, tokens, idle=idle, check_age=False)
    lasting = verify(replace(config, retention_s=1.0), tokens, idle=idle)
    assert (decayed.y_code != lasting.y_code).mean() > 0.5


def test_with_refresh_outputs_stay_near_those_without_leak() -> None:
    config, tokens, idle = slow_run()
    refreshed = verify(config, tokens, idle=idle)
    lasting = verify(replace(config, retention_s=1.0), tokens, idle=idle)
    unrefreshed = verify(replace(config, refresh=False), tokens, idle=idle, check_age=False)

    def mean_error(run: Any) -> float:
        return float(np.abs(run.y_code - lasting.y_code).mean())

    assert mean_error(refreshed) < mean_error(unrefreshed) / 3


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schedule": "paired"},
        {"schedule": "sequential", "sink": 3, "readout": "counters"},
        {"age_mode": "steps", "sink": 4},
        {"window": 21, "columns": 7, "head_dim": 5, "retention_s": 40e-6, "sync_stages": 2},
        {"window": 3, "columns": 1, "head_dim": 1, "sink": 1, "write_cycles": 3},
        {"window": 1, "columns": 1, "reset_cycles": 13, "step_cycles": 2},
    ],
    ids=lambda fields: " ".join(map(str, fields.values())) or "tiny",
)
def test_columns_whose_data_are_late_are_dropped_and_come_back(
    fields: dict[str, Any], transport: str
) -> None:
    config, tokens = lively_run(HeadConfig(**SLOW | fields), seed=22, first_share=0.02)
    plan = config.retention
    assert plan is not None
    rng = np.random.default_rng(22)
    count = len(tokens)
    queries = np.stack([tokens.q_code, rng.permutation(tokens.q_code)], axis=1)
    tokens = replace(tokens, q_code=queries)
    simulated = verify(
        config,
        tokens,
        transport=transport,
        idle=random_pace(2 * count, 2 * plan.visit_cycles, rng),
        stall=random_pace(2 * count, 200, rng),
        memory=Memory(slowest_cycles=round(1.2 * plan.patience_cycles), busy_share=0.5),
        seed=3,
    )
    assert simulated.status["refreshed"] > 0
    assert simulated.status["dropped"] > 0
    assert simulated.oldest_read_cycles <= bound_of(config)
    kinds = Counter(simulated.events["kind"].tolist())
    assert kinds["refresh"] > 0
    assert kinds["clear"] > 0


def came_back(events: Events) -> int:
    """How often a column of K that was cleared got the codes of its token again."""
    own = events[(events["array"] == "K") & (events["kind"] != "read")]
    found = 0
    cleared: set[int] = set()
    for kind, slot in zip(own["kind"].tolist(), own["slot"].tolist(), strict=True):
        if slot < 0:
            cleared.clear()
        elif kind == "clear":
            cleared.add(slot)
        else:
            found += kind == "refresh" and slot in cleared
            cleared.discard(slot)
    return found


def test_a_slow_memory_costs_no_token_for_good() -> None:
    """It is silent for three windows and answers at once from then on."""
    config, tokens, idle = slow_run(window=24, columns=8)
    assert config.retention is not None
    silence = Memory(busy_share=0.5, busy_cycles=4 * config.retention.sweep_cycles)
    simulated = verify(config, tokens, idle=idle, memory=silence, seed=5)
    assert simulated.status["dropped"] > config.window
    assert came_back(simulated.events) > config.window


def test_a_silent_memory_loses_columns_but_no_result() -> None:
    config, tokens, idle = slow_run()
    simulated = verify(config, tokens, idle=idle, memory=Memory(busy_share=1.0))
    assert simulated.status["refreshed"] == 0
    assert simulated.status["dropped"] > TOKENS / 2


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
def test_refresh_delays_a_busy_head_by_at_most_one_write_each(schedule: str) -> None:
    config, tokens = lively_run(HeadConfig(**SLOW | {"schedule": schedule, "sink": 4}), seed=23)
    tokens = Tokens.concatenate([tokens] * 6)
    tokens.first[1:] = False
    simulated = verify(config, tokens)
    events = simulated.events
    starts = events[(events["array"] == "K") & (events["kind"] == "write")]["cycle"]
    late = np.diff(starts) - config.interval_cycles
    assert simulated.status["refreshed"] > 20
    assert 0 <= late.min() <= late.max() <= config.timing.clear_cycles
    assert np.count_nonzero(late) <= simulated.status["refreshed"] + 1


@pytest.mark.parametrize("cycle", [1500, 4000, 9001])
def test_recovers_from_a_reset_during_refresh(cycle: int) -> None:
    config, tokens, idle = slow_run()
    for offset in (0, 60, 120):
        verify(config, tokens, idle=idle, memory=Memory(100), interrupt_cycle=cycle + offset)


def test_a_ring_that_turns_within_a_segment_needs_no_refresh() -> None:
    config, tokens = lively_run(HeadConfig(**SLOW | {"retention_s": 60e-6}), seed=24, laps=32)
    plan = config.retention
    assert plan is not None
    assert config.window * config.interval_cycles < plan.segment_visits * plan.visit_cycles
    simulated = verify(config, tokens)
    assert simulated.cycles > 2 * plan.sweep_cycles
    assert simulated.status["refreshed"] == simulated.status["dropped"] == 0
    assert set(simulated.events["kind"].tolist()) == {"clear", "write", "read"}
