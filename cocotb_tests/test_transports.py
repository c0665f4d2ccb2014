"""The fast transport against the reference that sees every wire in every cycle."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.lively import random_pace
from gaincell.cocotb_tests.conftest import lively_run, needs_icarus, with_silent_dimension
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.simulate import Simulated, simulate
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.refusals import Failed

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

CONFIG = HeadConfig(head_dim=5, window=12, columns=4, sink=1)
SIMULATORS = ["verilator", pytest.param("icarus", marks=needs_icarus)]


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
def test_fast_sees_what_per_ns_sees(schedule: str, simulator: str) -> None:
    config, tokens = lively_run(replace(CONFIG, schedule=schedule), seed=21, first_share=0.1)
    rng = np.random.default_rng(21)
    count = len(tokens)
    idle, stall = random_pace(count, 40, rng), random_pace(count, 40, rng)

    def run(transport: str) -> Simulated:
        built = build(config, simulator=simulator)
        return simulate(built, tokens, config, transport=transport, idle=idle, stall=stall)

    fast, reference = run("fast"), run("per-ns")
    assert (fast.y_code == reference.y_code).all()
    assert (fast.latency_cycles == reference.latency_cycles).all()
    assert len(fast.events) == len(reference.events)
    for field in ("array", "kind", "slot", "token"):
        assert (fast.events[field] == reference.events[field]).all()
    since_start = [log["cycle"] - log["cycle"][0] for log in (fast.events, reference.events)]
    assert (since_start[0] == since_start[1]).all()


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_no_transport_bypasses_the_heads_pulses(transport: str) -> None:
    """A head whose pulse generators drop dimension 0 must be caught, codes being right."""
    config, tokens = lively_run(CONFIG, seed=22)
    with pytest.raises(Failed, match="first difference at token"):
        verify(config, tokens, transport=transport, verilog=with_silent_dimension(config))
