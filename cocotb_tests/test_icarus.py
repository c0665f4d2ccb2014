"""A second simulator, and one that knows unknown values."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.lively import leaking
from gaincell.cocotb_tests.conftest import awkward_memory, lively_run, needs_icarus
from gaincell.cocotb_tests.run.simulate import SimulationFailed
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import READOUT_NAMES, HeadConfig
from gaincell.hdl.verilog import head_verilog

CONFIG = HeadConfig(head_dim=5, window=12, columns=4, sink=1)

pytestmark = [pytest.mark.cosim, needs_icarus]


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
@pytest.mark.parametrize("readout", READOUT_NAMES)
def test_is_exact_under_icarus(readout: str, transport: str) -> None:
    config = replace(CONFIG, readout=readout)
    config, tokens = lively_run(config, seed=41)
    verify(config, tokens, simulator="icarus", transport=transport, interrupt_cycle=70)


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_refreshes_and_drops_columns_under_icarus(transport: str) -> None:
    config, tokens = lively_run(leaking(replace(CONFIG, age_mode="time")), seed=44)
    simulated = verify(
        config,
        tokens[:60],
        simulator="icarus",
        transport=transport,
        idle=np.full(60, 300),
        memory=awkward_memory(config),
        interrupt_cycle=3000,
    )
    assert simulated.status["refreshed"] > 5
    assert simulated.status["dropped"] > 5


@pytest.mark.parametrize("schedule", ["sequential", "overlapped", "paired"])
def test_nothing_is_unknown_after_reset(schedule: str) -> None:
    """The per-ns transport refuses unknown control wires in any cycle after reset."""
    config = replace(CONFIG, schedule=schedule)
    config, tokens = lively_run(config, seed=42)
    assert not re.search(r"reg .* = ", head_verilog(config)), "initial values would hide it"
    verify(config, tokens, simulator="icarus", transport="per-ns")


def test_notices_a_flop_without_reset() -> None:
    config, tokens = lively_run(CONFIG, seed=43)
    verilog, times = re.subn(r"rst \? 1'h0 : (\S+);", r"\1;", head_verilog(config))
    assert times > 5
    with pytest.raises(SimulationFailed, match=r"unknown values|no result"):
        verify(config, tokens, simulator="icarus", transport="per-ns", verilog=verilog)
