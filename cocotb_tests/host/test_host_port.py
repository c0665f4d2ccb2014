"""Cores behind AXI: as exact as without, and never stopped by what a host does wrong."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.lively import leaking, lively_config, lively_tokens
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.conftest import needs_icarus
from gaincell.cocotb_tests.host.run import run_scenario
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.host import packet_receiver, register_file
from gaincell.hdl.host.register_map import REGISTERS
from gaincell.hdl.host.verilog import generated
from gaincell.refusals import Failed

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.needs("cocotbext-axi"),
    pytest.mark.usefixtures("short_runs"),
]

TINY = HeadConfig(head_dim=3, window=8, columns=4, query_bits=3, write_cycles=3)
CORES: dict[str, CoreConfig] = {
    "one head, one beat": CoreConfig(
        head=TINY, token_beat_bits=32, result_beat_bits=16, refresh_beat_bits=24
    ),
    "three heads": CoreConfig(
        head=replace(TINY, sink=2, schedule="paired"),
        heads=3,
        token_beat_bits=24,
        result_beat_bits=8,
        refresh_beat_bits=8,
    ),
    "six heads, two groups": CoreConfig(head=TINY, heads=6, heads_per_group=3, token_beat_bits=8),
}


def core_run(core: CoreConfig, count: int, first_share: float = 0.1) -> tuple[CoreConfig, Tokens]:
    rng = np.random.default_rng(51)
    core = replace(core, head=lively_config(leaking(core.head, slower=3.0), rng))
    return core, lively_tokens(count, core.head, rng, first_share, core.heads_and_groups)


@pytest.mark.parametrize("name", CORES)
def test_attends_as_the_core_at_any_pace(name: str) -> None:
    core, tokens = core_run(CORES[name], 60)
    for pause in (0.0, 0.6):
        found = run_scenario("attend", core, tokens, pause=pause, seed=1)
        assert found["y"].shape == (60, core.heads, core.head.head_dim)
        assert found["queries"] == found["results"] == 60 * core.heads_per_group
        assert found["refused"] == 0
        if pause:
            assert found["refreshed"] > 0


@pytest.mark.parametrize("name", CORES)
def test_malformed_packets_are_dropped_and_told_and_stop_nothing(name: str) -> None:
    core, tokens = core_run(CORES[name], 20, 0.2)
    run_scenario("malformed", core, tokens, pause=0.3, seed=2)


@pytest.mark.parametrize("pause", [0.0, 0.7])
def test_every_address_is_answered_as_axi_demands(pause: float) -> None:
    core, tokens = core_run(CORES["three heads"], 1)
    run_scenario("registers", core, tokens, pause=pause, seed=3)


@pytest.mark.parametrize("name", CORES)
def test_a_reset_by_software_takes_back_no_offer_and_leaves_nothing_behind(name: str) -> None:
    core, tokens = core_run(CORES[name], 30)
    found = run_scenario("restart", core, tokens, pause=0.2, seed=4)
    assert found["queries"] == 30 * core.heads_per_group


PLANTED = {
    "no byte is needed": (
        packet_receiver,
        "last_bytes",
        lambda *_: 0,
        "malformed",
        "null is not refused",
    ),
    "a register is missing": (
        register_file,
        "REGISTERS",
        REGISTERS[:-1],
        "registers",
        "patience answers DECERR",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_are_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, wrong, scenario, said = PLANTED[fault]
    core, tokens = core_run(CORES["one head, one beat"], 6)
    generated.cache_clear()
    monkeypatch.setattr(module, name, wrong)
    try:
        with pytest.raises(Failed, match=said):
            run_scenario(scenario, core, tokens, seed=5)
    finally:
        generated.cache_clear()


def drawn(seed: int) -> CoreConfig:
    """A core whose shape and beats nobody chose."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    group = int(rng.integers(1, 4))
    schedule = str(rng.choice(["sequential", "overlapped", "paired"]))
    head = replace(TINY, head_dim=int(rng.integers(1, 6)), sink=int(rng.integers(3)))
    token, result, refresh = (8 * int(rng.integers(1, 20)) for _ in range(3))
    return CoreConfig(
        head=replace(head, schedule=schedule),
        heads=group * int(rng.integers(1, 5)),
        heads_per_group=group,
        token_beat_bits=token,
        result_beat_bits=result,
        refresh_beat_bits=refresh,
    )


@pytest.mark.parametrize("seed", [52, 53])
def test_attends_whatever_the_shape_and_the_widths_are(seed: int) -> None:
    core, tokens = core_run(drawn(seed), 30)
    run_scenario("attend", core, tokens, pause=0.4, seed=seed)


@needs_icarus
def test_attends_in_another_simulator() -> None:
    core, tokens = core_run(CORES["three heads"], 8)
    run_scenario("attend", core, tokens, pause=0.3, seed=6, simulator="icarus")
