"""Heads with one bug in their refresh: arrays and comparison must notice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gaincell.behavioral.lively import random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.conftest import lively_run, with_line_changed
from gaincell.cocotb_tests.run.simulate import Memory
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Failed
from gaincell.retention import Retention

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("longer_runs")]

CONFIG = HeadConfig(head_dim=5, window=12, columns=3, sink=2, retention_s=20e-6)
Change = Callable[[Retention], dict[str, Any]]

WRONG_PLANS: dict[str, Change] = {
    "visits too seldom": lambda plan: {
        "visit_cycles": 2 * plan.visit_cycles,
        "patience_cycles": plan.patience_cycles + plan.visit_cycles,
    },
    "columns young for too long": lambda plan: {"segment_visits": 4 * plan.segment_visits},
}

BOUND = "beyond the bound"
OTHER_CODES = "other codes than those of its token"
POISONED = "cells whose write failed"
NO_TOKEN = "which holds no token"

WRONG_LINES: dict[str, tuple[str, str, str, str]] = {
    "every column young": ("refresh.young_columns", r"(assign young =) .*;", r"\1 1'b1;", BOUND),
    "empty columns asked for": (
        "refresh.held_columns",
        r"(assign holds =) .*;",
        r"\1 1'b1;",
        NO_TOKEN,
    ),
    "empty columns left alone": (
        "refresh",
        r"(assign \S+ = holds \? young :) cleared;",
        r"\1 1'b1;",
        "is not young, but its visit ended without a write",
    ),
    "stale data written": (
        "refresh",
        r"assign arrived = .*;",
        "assign arrived = response_valid;",
        "is refused, but nothing waits for it",
    ),
    "overwritten columns refreshed": (
        "refresh",
        r"assign overwritten = .*;",
        "assign overwritten = 1'b0;",
        "it is young",
    ),
    "response taken before it is written": (
        "refresh",
        r"assign response_ready = .*;",
        "assign response_ready = 1'b1;",
        f"{POISONED}|{OTHER_CODES}|{NO_TOKEN}",
    ),
    "arrays taken while they are read": (
        "admission",
        r"newest_age >= 5'h19",
        "newest_age >= 5'h0c",
        "written while it is read",
    ),
    "token accepted into a refresh": (
        "admission",
        r"assign (\S+) = refresh_age < 4'hb;",
        r"assign \1 = 1'b0;",
        f"{POISONED}|{NO_TOKEN}|event log",
    ),
    "token accepted right behind a refresh": (
        "admission",
        r"assign (\S+) = refresh_age < 4'hb;",
        r"assign \1 = refresh_age < 4'ha;",
        "write enable stays high from one write into the next",
    ),
    "nobody gives up": (
        "refresh",
        r"(assign may_give_up =) .*;",
        r"\1 1'b0;",
        f"{BOUND}|no result|{POISONED}",
    ),
}


def check(verilog: str, config: HeadConfig, tokens: Tokens) -> None:
    """Verify at a pace that lets columns grow old, with a memory that is sometimes late."""
    plan = config.retention
    assert plan is not None
    rng = np.random.default_rng(41)
    count = len(tokens)
    idle = random_pace(count, 2 * plan.visit_cycles, rng)
    memory = Memory(slowest_cycles=2 * plan.visit_cycles, busy_share=0.2)
    verify(config, tokens, verilog=verilog, idle=idle, memory=memory, seed=41)


def test_the_conditions_suit_a_correct_head() -> None:
    config, tokens = lively_run(CONFIG, seed=41, laps=20, first_share=0.02)
    check(head_verilog(config), config, tokens)


@pytest.mark.parametrize("bug", WRONG_PLANS)
def test_notices_a_wrong_plan(bug: str) -> None:
    config, tokens = lively_run(CONFIG, seed=41, laps=20, first_share=0.02)
    assert config.retention is not None
    wrong = replace(config.retention, **WRONG_PLANS[bug](config.retention))
    with pytest.raises(Failed, match=BOUND):
        check(head_verilog(config, retention=wrong), config, tokens)


@pytest.mark.parametrize("bug", WRONG_LINES)
def test_notices_a_changed_line(bug: str) -> None:
    component, pattern, replacement, symptom = WRONG_LINES[bug]
    config, tokens = lively_run(CONFIG, seed=41, laps=20, first_share=0.02)
    verilog = with_line_changed(config, component, pattern, replacement)
    with pytest.raises(Failed, match=symptom):
        check(verilog, config, tokens)
