"""Shared by the co-simulation tests: where builds are kept, and small random runs."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.lively import coverage, lively_config, lively_tokens
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run import simulators
from gaincell.cocotb_tests.run.simulate import Memory
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog

os.environ.setdefault(
    "GAINCELL_CACHE", str(Path(__file__).resolve().parents[1] / "build" / "simulations")
)

needs_icarus = pytest.mark.needs("iverilog")


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile without optimization: runs of some hundred tokens are shorter than that takes."""
    monkeypatch.setattr(simulators, "OPTIMIZATION", "-O0")


@pytest.fixture
def longer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile with little optimization: runs of some ten thousand cycles."""
    monkeypatch.setattr(simulators, "OPTIMIZATION", "-O1")


def lively_run(
    config: HeadConfig, seed: int, laps: float = 3.2, first_share: float = 0.0
) -> tuple[HeadConfig, Tokens]:
    """``config`` with saturations that spread its outputs, and tokens that are seen to do so."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    lively = lively_config(config, rng)
    tokens = lively_tokens(max(120, int(laps * config.window)), lively, rng, first_share)
    covered = coverage(tokens, lively)
    assert covered.sufficient, covered
    return lively, tokens


def awkward_memory(config: HeadConfig) -> Memory:
    """Slower than four visits or at once, in any order, in bursts; it refuses for whole visits."""
    plan = config.retention
    assert plan is not None
    visit = plan.visit_cycles
    return Memory(
        slowest_cycles=8 * visit,
        quick_share=0.3,
        burst_cycles=30,
        busy_share=0.1,
        busy_cycles=visit,
    )


def with_line_changed(config: HeadConfig, component: str, pattern: str, replacement: str) -> str:
    """Verilog of the head with one line of one component changed."""
    start = f"module gaincell_head_{component.replace('.', '_')}("
    before, module, behind = head_verilog(config).partition(start)
    lines, end, after = behind.partition("endmodule")
    changed, times = re.subn(pattern, replacement, lines)
    assert times == 1
    return before + module + changed + end + after


def with_silent_dimension(config: HeadConfig) -> str:
    """Verilog of a head whose query pulses of dimension 0 never reach the arrays."""
    verilog, wired = head_verilog(config), "    .pulse(array_query),"
    assert wired in verilog
    return verilog.replace(wired, "    .pulse(pulses),").replace(
        "  gaincell_head_query_pulses query_pulses (",
        f"  wire [{config.head_dim - 1}:0] pulses;\n"
        f"  assign array_query = pulses & ~{config.head_dim}'d1;\n"
        "  gaincell_head_query_pulses query_pulses (",
    )
