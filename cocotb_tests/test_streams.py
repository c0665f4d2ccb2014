"""Tokens and results that come and go at any pace, sequences that start anew, resets."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.lively import random_pace
from gaincell.cocotb_tests.conftest import lively_run
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

CONFIG = HeadConfig(head_dim=5, window=12, columns=4, sink=2)
SCHEDULES = ["sequential", "overlapped", "paired"]


def scheduled(schedule: str) -> HeadConfig:
    return replace(CONFIG, schedule=schedule)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("longest_wait", [1, 7, 150])
def test_loses_nothing_at_any_pace(schedule: str, longest_wait: int) -> None:
    config, tokens = lively_run(scheduled(schedule), seed=longest_wait)
    rng = np.random.default_rng(longest_wait)
    count = len(tokens)
    idle = random_pace(count, longest_wait, rng)
    stall = random_pace(count, longest_wait, rng)
    assert stall.any()
    assert idle.any()
    verify(config, tokens, idle=idle, stall=stall, transport="per-ns")


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_keeps_results_while_the_first_is_refused(schedule: str) -> None:
    config, tokens = lively_run(scheduled(schedule), seed=3)
    stall = np.zeros(len(tokens), dtype=np.int64)
    stall[[0, 9, 10, 11]] = 1000
    simulated = verify(config, tokens, stall=stall)
    assert simulated.cycles > 4000


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_starts_sequences_in_mid_stream(schedule: str, transport: str) -> None:
    config, tokens = lively_run(scheduled(schedule), seed=4, laps=8, first_share=0.1)
    assert tokens.first.sum() > 4
    tokens.first[20:23] = True  # sequences of a single token, one after the other
    verify(config, tokens, transport=transport)


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize("offset", [0, 5, 11, 18, 26, 33, 41, 47, 58])
def test_recovers_from_a_reset_in_any_phase(offset: int, transport: str) -> None:
    config, tokens = lively_run(CONFIG, seed=5)
    verify(config, tokens, transport=transport, interrupt_cycle=20 + offset)
