"""Heads with one bug in their control: arrays and comparison must notice, on both transports."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gaincell.cocotb_tests.conftest import lively_run, with_line_changed
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Failed
from gaincell.schedule import Schedule, Span

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

CONFIG = HeadConfig(head_dim=5, window=12, columns=3)
Change = Callable[[Schedule], dict[str, Any]]


def moved(phase: str, start: int, end: int) -> Change:
    """The schedule with one phase's ends moved by some cycles."""

    def change(timing: Schedule) -> dict[str, Any]:
        span: Span = getattr(timing, phase)
        return {phase: Span(span.start + start, span.end + end)}

    return change


WRONG_SCHEDULES: dict[str, tuple[Change, str]] = {
    "K write too short": (moved("k_write", 1, 0), "cells whose write failed"),
    "V write too short": (moved("v_write", 0, -1), "cells whose write failed"),
    "K write runs into QK": (moved("k_write", 2, 2), "K array is written while it is read"),
    "V write runs into AV": (moved("v_write", 3, 3), "V array is written while it is read"),
    "K reset too short": (moved("k_reset", 1, 0), "first difference"),
    "V reset too short": (moved("v_reset", 1, 0), "first difference"),
    "K reset runs into QK": (moved("k_reset", 1, 1), "K integrator is used twice"),
    "V reset runs into AV": (moved("v_reset", 1, 1), "V integrator is used twice"),
    "QK cut short": (moved("qk", 0, -1), "outside an integrate window"),
    "AV cut short": (moved("av", 0, -1), "first difference"),
    "AV runs into OUT": (moved("av", 0, 1), "integrator is used twice"),
    "OUT cut short": (moved("out", 0, -1), "first difference"),
    "OUT too early": (moved("out", -1, -1), "V integrator is used twice"),
    "token written right behind the clear": (
        lambda timing: {"clear_cycles": timing.clear_cycles - 1},
        "K write enable stays high from one write into the next",
    ),
    "token admitted too early": (
        lambda timing: {"interval_cycles": timing.interval_cycles - 1},
        "used twice",
    ),
}

WRONG_CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "query pulses too long": ({"step_cycles": 2}, "outside an integrate window"),
    "ring too short": ({"window": 9}, "but must go to sub-tile 3, column 0"),
    "sign looked at too late": ({"sync_stages": 2}, "first difference"),
}

WRONG_LINES: dict[str, tuple[str, str, str, str]] = {
    "cells not cleared": (
        "admission",
        r"assign starts_sequence = .* fresh;",
        "assign starts_sequence = 1'b0;",
        "the broadcast flag of a write is 0, but must be 1",
    ),
    "sub-tile too wide": (
        "write_pointer",
        r"assign (\S+) = column == 2'h2;",
        r"assign \1 = column == 2'h3;",
        "which does not exist",
    ),
    "place not reserved": (
        "admission",
        r"assign (\S+) = owed != 2'h2;",
        r"assign \1 = 1'b1;",
        "took|result",
    ),
    "further query written": (
        "admission",
        r"assign writes = .*;",
        "assign writes = 1'b1;",
        "status_fill is 2, but the window holds 1",
    ),
}


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize("bug", WRONG_SCHEDULES)
def test_notices_a_wrong_schedule(bug: str, transport: str) -> None:
    change, symptom = WRONG_SCHEDULES[bug]
    config, tokens = lively_run(CONFIG, seed=31)
    wrong = replace(config.timing, **change(config.timing))
    with pytest.raises(Failed, match=symptom):
        verify(config, tokens, transport=transport, verilog=head_verilog(config, timing=wrong))


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize("bug", WRONG_CONFIGS)
def test_notices_a_head_for_another_config(bug: str, transport: str) -> None:
    difference, symptom = WRONG_CONFIGS[bug]
    config, tokens = lively_run(CONFIG, seed=32)
    verilog = head_verilog(replace(config, **difference), timing=config.timing)
    with pytest.raises(Failed, match=symptom):
        verify(config, tokens, transport=transport, verilog=verilog)


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize("bug", WRONG_LINES)
def test_notices_a_changed_line(bug: str, transport: str) -> None:
    component, pattern, replacement, symptom = WRONG_LINES[bug]
    config, tokens = lively_run(CONFIG, seed=33)
    queries = np.stack([tokens.q_code, tokens.q_code[::-1]], axis=1)
    tokens = replace(tokens, q_code=queries)
    verilog = with_line_changed(config, component, pattern, replacement)
    stall = np.full(queries.shape[:2], 200)
    with pytest.raises(Failed, match=symptom):
        verify(config, tokens, transport=transport, verilog=verilog, stall=stall)
