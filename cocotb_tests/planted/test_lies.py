"""Heads that give right outputs for what they wrote, but write or report what they must not."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest

from gaincell.behavioral.lively import random_pace
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.conftest import awkward_memory, lively_run
from gaincell.cocotb_tests.run.simulate import Simulated
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.hdl import layouts
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Failed

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

CONFIG = HeadConfig(head_dim=3, window=6, columns=3, sink=2, retention_s=12e-6)
EARLIER = """
  reg [{top}:0] earlier = ~0;
  always @(posedge clk) if (refresh_response_valid & refresh_response_ready)
    earlier <= refresh_response_payload[{top}:0];
endmodule"""

LIES: dict[str, tuple[str, str, str, str]] = {
    "refresh writes zeros": (
        "",
        r"(from_response \?) refresh_response_payload\[\d+:(\d+)\]",
        r"\1 0 /* \2 */",
        "is cleared, but the codes of its token came in time",
    ),
    "refresh writes the codes of the response before": (
        "",
        r"(from_response \?) refresh_response_payload",
        r"\1 earlier",
        "writes other codes than those of its token",
    ),
    "fresh column cleared": (
        "_refresh",
        r"(assign may_give_up =) late & ",
        r"\1 ",
        "status_dropped is 1, but 0",
    ),
    "column under visit cleared unasked": (
        "_refresh",
        r"(assign ask =) .*;",
        r"\1 1'b0;",
        "without a request for its codes",
    ),
    "request moves while it is refused": (
        "_refresh_column_requests",
        r"(assign \S+ =) asked \? column : request_payload.*;",
        r"\1 column;",
        "a request changed while it was refused",
    ),
    "request withdrawn": (
        "_refresh_column_requests",
        r"(request_valid <=) (\S+);",
        r"\1 \2 & ~request_valid;",
        "a request changed while it was refused",
    ),
    "tag of an unanswered request": (
        "_refresh_column_requests",
        r"(assign asked =) .*;",
        r"\1 ask & (~request_valid | request_ready);",
        "but tags come in turn",
    ),
    "high bit of refreshed stuck": (
        "_refresh",
        r"(status_refreshed <=) (\S+);",
        r"\1 \2 | 16'h8000;",
        "status_refreshed is 32768, but 0",
    ),
    "drops not counted": (
        "_refresh",
        r"(assign \S+ = status_dropped \+) 1'h1;",
        r"\1 1'h0;",
        "status_dropped is 0, but 1",
    ),
    "drops counted twice": (
        "_refresh",
        r"(assign \S+ = status_dropped \+) 1'h1;",
        r"\1 2'h2;",
        "status_dropped is 2, but 1",
    ),
    "worst age one too low": (
        "_refresh",
        r"(assign \S+ = \d+'h\w+ \+ longest);",
        r"\1 - 1'h1;",
        "status_worst_age is",
    ),
    "worst age never grows": (
        "_refresh",
        r"(longest <=) (\S+);",
        r"\1 longest == 0 ? \2 : longest;",
        "status_worst_age is",
    ),
    "fill one too low": (
        "_write_pointer",
        r"(assign \S+ = fill !=) 4'h8;",
        r"\1 4'h7;",
        "status_fill is 7, but the window holds 8",
    ),
}


@cache
def run_of() -> tuple[HeadConfig, Tokens]:
    config, tokens = lively_run(CONFIG, seed=61, laps=12, first_share=0.02)
    return config, tokens[:60]


def check(verilog: str) -> None:
    simulated = run(verilog)
    assert simulated.status["refreshed"] > 4
    assert simulated.status["dropped"] > 10


def run(verilog: str) -> Simulated:
    """Slow decoding; a memory slower than four visits, with bursts, that refuses for long."""
    config, tokens = run_of()
    plan = config.retention
    assert plan is not None
    idle = random_pace(len(tokens), 6 * plan.visit_cycles, np.random.default_rng(61))
    memory = awkward_memory(config)
    return verify(config, tokens, verilog=verilog, idle=idle, memory=memory, seed=61)


def changed(module: str, pattern: str, replacement: str) -> str:
    """Verilog of the head with a line, or several like it, of one module changed."""
    config, _ = run_of()
    before, start, behind = head_verilog(config).partition(f"module gaincell_head{module}(")
    lines, end, after = behind.partition("endmodule")
    lines, times = re.subn(pattern, replacement, lines)
    assert times >= 1
    top = config.head_dim * (config.key_bits + config.value_bits) - 1
    end = EARLIER.format(top=top) if "earlier" in replacement else end
    return before + start + lines + end + after


def test_the_conditions_suit_a_correct_head() -> None:
    check(head_verilog(run_of()[0]))


def test_counters_start_again_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "COUNTER_BITS", 2)
    verilog = head_verilog(run_of()[0])
    simulated = run(verilog)
    writes = Counter(simulated.events["kind"].tolist())
    assert writes["refresh"] > 2 * 2**2
    saturating, times = re.subn(
        r"(assign \S+ = )(status_(?:refreshed|dropped)) \+ 1'h1;", r"\1\2 + (\2 != 3);", verilog
    )
    assert times == 2
    with pytest.raises(Failed, match=r"status_\w+ is 3, but 0"):
        run(saturating)


@pytest.mark.parametrize("lie", LIES)
def test_notices(lie: str) -> None:
    module, pattern, replacement, symptom = LIES[lie]
    with pytest.raises(Failed, match=re.escape(symptom)):
        check(changed(module, pattern, replacement))
