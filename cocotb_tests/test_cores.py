"""Cores of heads in lock step: their Verilog against the arrays of every group."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gaincell.behavioral.lively import (
    coverage,
    leaking,
    lively_config,
    lively_tokens,
    random_pace,
)
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.conftest import awkward_memory
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.verilog import head_verilog
from gaincell.refusals import Failed

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

TINY = HeadConfig(head_dim=3, window=8, columns=4, query_bits=3, write_cycles=3)
CORES: dict[str, CoreConfig] = {
    "one head in beats": CoreConfig(
        head=replace(TINY, schedule="sequential"),
        token_beat_bits=8,
        result_beat_bits=5,
        refresh_beat_bits=64,
    ),
    "three heads": CoreConfig(head=replace(TINY, sink=2), heads=3),
    "six heads, two groups": CoreConfig(
        head=replace(TINY, schedule="paired"),
        heads=6,
        heads_per_group=3,
        token_beat_bits=7,
        result_beat_bits=16,
        refresh_beat_bits=4,
    ),
    "twelve heads": CoreConfig(
        head=replace(TINY, readout="counters"), heads=12, heads_per_group=2, token_beat_bits=32
    ),
}


def core_run(core: CoreConfig, seed: int, first_share: float = 0.05) -> tuple[CoreConfig, Tokens]:
    """``core`` with refresh as pressed as can be, and tokens whose outputs are seen to vary."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    core = replace(core, head=lively_config(leaking(core.head), rng))
    tokens = lively_tokens(120, core.head, rng, first_share, core.heads_and_groups)
    covered = coverage(tokens, core.head)
    assert covered.sufficient, covered
    return core, tokens


def paces(core: CoreConfig, tokens: Tokens, longest: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    queries = len(tokens) * core.heads_per_group
    return {name: random_pace(queries, longest, rng) for name in ("idle", "stall")}


@pytest.mark.parametrize("name", CORES)
def test_every_head_is_exact_at_any_pace(name: str) -> None:
    core, tokens = core_run(CORES[name], seed=31)
    memory = awkward_memory(core.head)
    for transport, longest, pause in (("fast", 0, 0.0), ("per-ns", 90, 0.5)):
        simulated = verify(
            core,
            tokens,
            transport=transport,
            memory=memory,
            beat_pause=pause,
            **paces(core, tokens, longest, 32),
        )
        assert simulated.y_code.shape == (120, core.heads, core.head.head_dim)
        if longest:
            assert simulated.status["refreshed"] > 0
            assert simulated.status["dropped"] > 0


@pytest.mark.parametrize("offset", [0, 13, 26, 39])
def test_recovers_from_a_reset_in_the_middle_of_beats(offset: int) -> None:
    core, tokens = core_run(CORES["six heads, two groups"], seed=33)
    pace = paces(core, tokens, 40, offset)
    verify(core, tokens, beat_pause=0.3, interrupt_cycle=500 + offset, **pace)


def test_a_core_of_one_head_answers_in_the_same_cycles_as_the_head() -> None:
    core, tokens = core_run(CoreConfig(head=TINY), seed=34)
    q_code, k_code, v_code = (codes[:, 0] for codes in tokens.codes)
    alone = Tokens(q_code, k_code, v_code, tokens.first)
    of_core = verify(core, tokens)
    of_head = verify(core.head, alone)
    np.testing.assert_array_equal(of_core.y_code[:, 0], of_head.y_code)
    np.testing.assert_array_equal(of_core.latency_cycles[:, 0], of_head.latency_cycles)
    np.testing.assert_array_equal(of_core.events, of_head.events)
    assert of_core.cycles == of_head.cycles


PLANTED = {
    "a group sees the pulses of another": (
        "two groups",
        r"\.pulse\(array_pulse\[11:6\]\)",
        ".pulse(array_pulse[5:0])",
        "mismatches",
    ),
    "beats are taken while a token waits": (
        "one head in beats",
        r"(?s)(module gaincell_head_token_upsizer.*?assign beat_ready =) [^;]*;",
        r"\1 1'h1;",
        "beats of a token",
    ),
    "beats wait for the core": (
        "one head in beats",
        r"(?s)(module gaincell_head_token_upsizer.*?assign beat_ready =) [^;]*;",
        r"\1 whole_ready;",
        "not taken in turn",
    ),
    "refresh data never become whole": (
        "one head in beats",
        r"(?s)(module gaincell_head_response_upsizer.*?whole_valid <=) \w+;",
        r"\1 1'h0;",
        "did not make a payload",
    ),
    "the last beat comes early": (
        "one head in beats",
        r"assign beat_payload_last = place == \S+;",
        "assign beat_payload_last = place == 2'h2;",
        "mark of the last beat",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_are_seen(fault: str) -> None:
    name, right, wrong, said = PLANTED[fault]
    core, tokens = core_run(CORES.get(name, CoreConfig(head=TINY, heads=2)), seed=35)
    verilog, times = re.subn(right, wrong, head_verilog(core))
    assert times == 1
    with pytest.raises(Failed, match=said):
        verify(core, tokens, verilog=verilog)
