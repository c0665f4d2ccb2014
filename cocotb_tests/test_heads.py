"""Heads of many shapes: their Verilog against the arrays, three laps of the ring."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gaincell.behavioral.lively import leaking, random_pace
from gaincell.cocotb_tests.conftest import awkward_memory, lively_run
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import PRESETS, READOUT_NAMES, HeadConfig
from gaincell.schedule import READOUT_DRAIN_CYCLES


def simulated(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that compiles and runs a simulation."""
    marked: Callable[..., None] = pytest.mark.cosim(pytest.mark.usefixtures("short_runs")(test))
    return marked


TINY: dict[str, Any] = {"head_dim": 8, "window": 16, "columns": 4}
SHAPES: dict[str, dict[str, Any]] = {
    "tiny": TINY,
    "odd": {"head_dim": 5, "window": 21, "columns": 7},
    "one dimension": {"head_dim": 1, "window": 12, "columns": 4},
    "one sub-tile": {"head_dim": 6, "window": 8, "columns": 8},
    "one column": {"head_dim": 4, "window": 6, "columns": 1},
    "one cell": {"head_dim": 1, "window": 1, "columns": 1},
    "sink": {"head_dim": 5, "window": 12, "columns": 4, "sink": 3},
    "full sink": {"head_dim": 3, "window": 9, "columns": 3, "sink": 3},
    "narrow codes": TINY | {"query_bits": 1, "key_bits": 2, "value_bits": 1, "readout_bits": 2},
    "one read-out bit": TINY | {"readout_bits": 1},
    "wide codes": TINY | {"query_bits": 5, "key_bits": 8, "value_bits": 8, "readout_bits": 8},
    "linear cell": TINY | {"cell": "linear"},
}
SHORT = {"query_bits": 1, "write_cycles": 1, "reset_cycles": 1, "schedule": "paired"}
READOUT_BOUND: dict[str, dict[str, Any]] = {
    "readout bound": SHORT,
    "readout bound, two stages": SHORT | {"sync_stages": 2},
    "readout bound, late pulses": SHORT | {"readout_bits": 2, "late_cycles": 1, "sync_stages": 2},
    "readout bound, short output": SHORT | {"readout_bits": 2},
    "readout bound, short output, two stages": SHORT | {"readout_bits": 2, "sync_stages": 2},
}
"""Output phases follow each other as closely as the readout allows."""
TRANSPORT_OF = [(name, ("per-ns", "fast")[place % 2]) for place, name in enumerate(READOUT_NAMES)]
"""Each readout is tried on one transport."""
SCHEDULES: dict[str, dict[str, Any]] = {
    "sequential": {"schedule": "sequential"},
    "paired": {"schedule": "paired"},
    "slow reset": {"write_cycles": 2, "reset_cycles": 7, "schedule": "paired"},
    "slow steps": {"step_cycles": 3},
    "late pulses": {"late_cycles": 2, "schedule": "paired"},
    "two sync stages": {"sync_stages": 2, "schedule": "paired"},
    "long output": {"query_bits": 2, "readout_bits": 6, "schedule": "paired"},
    **READOUT_BOUND,
}


@simulated
@pytest.mark.parametrize(("readout", "transport"), TRANSPORT_OF)
@pytest.mark.parametrize("shape", SHAPES)
def test_is_exact_for_any_shape(shape: str, readout: str, transport: str) -> None:
    config, tokens = lively_run(leaking(HeadConfig(**SHAPES[shape], readout=readout)), seed=11)
    idle = random_pace(len(tokens), 400, np.random.default_rng(11))
    memory = awkward_memory(config)
    simulated = verify(config, tokens, transport=transport, idle=idle, memory=memory)
    assert simulated.status["refreshed"] > 0
    assert simulated.status["dropped"] > 0


@simulated
@pytest.mark.parametrize("readout", READOUT_NAMES)
@pytest.mark.parametrize("timing", SCHEDULES)
def test_is_exact_for_any_schedule(timing: str, readout: str) -> None:
    config = HeadConfig(**TINY, **SCHEDULES[timing], readout=readout)
    config, tokens = lively_run(config, seed=12)
    simulated = verify(config, tokens, transport="per-ns")
    beats = simulated.events[
        (simulated.events["array"] == "K") & (simulated.events["kind"] == "write")
    ]["cycle"]
    intervals = beats[1:] - beats[:-1]
    assert (intervals == config.interval_cycles).all()


@pytest.mark.parametrize("timing", READOUT_BOUND)
def test_some_schedules_wait_for_nothing_but_the_readout(timing: str) -> None:
    config = HeadConfig(**TINY, **SCHEDULES[timing])
    gap = config.interval_cycles - config.timing.out.cycles
    assert gap == READOUT_DRAIN_CYCLES
    for resource in config.timing.resources:
        assert (resource.interval_cycles < config.interval_cycles) == (resource.name != "readout")


@simulated
@pytest.mark.parametrize("schedule", ["overlapped", "paired"])
def test_follows_the_age_on_the_wires(schedule: str) -> None:
    lasting, tokens = lively_run(HeadConfig(**TINY, schedule=schedule), seed=13)
    config = replace(lasting, age_mode="time", retention_s=2e-6, refresh=False)
    leaking = verify(config, tokens, check_age=False)
    undecayed = verify(lasting, tokens)
    assert (leaking.y_code != undecayed.y_code).mean() > 0.2


@pytest.mark.parametrize("readout", READOUT_NAMES)
def test_default_latency_is_within_the_papers(readout: str) -> None:
    config = HeadConfig(readout=readout)
    assert config.latency_cycles <= 65
    assert PRESETS["gpt2"].interval_cycles == 32
