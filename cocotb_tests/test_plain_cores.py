"""The plain testbench passes right cores whose streams have beats, and fails wrong ones by name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gaincell.cocotb_tests.conftest import needs_icarus
from gaincell.cocotb_tests.plain.plain_testbench import plain_testbench
from gaincell.cocotb_tests.run.simulators import VERILATOR
from gaincell.cocotb_tests.test_plain_testbench import check_refusal, passes, run
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.verilog import head_verilog

pytestmark = pytest.mark.cosim

TINY = HeadConfig(head_dim=3, window=8, columns=4, query_bits=3, write_cycles=3)
LEAKING = replace(TINY, retention_s=20e-6)
NO_REFRESH = replace(TINY, refresh=False)
CORES: dict[str, CoreConfig] = {
    "one head": CoreConfig(
        head=replace(LEAKING, schedule="sequential"),
        token_beat_bits=8,
        result_beat_bits=5,
        refresh_beat_bits=7,
    ),
    "three heads": CoreConfig(
        head=replace(LEAKING, sink=2),
        heads=3,
        token_beat_bits=11,
        result_beat_bits=10,
        refresh_beat_bits=5,
    ),
    "two groups of three": CoreConfig(
        head=replace(LEAKING, schedule="paired"),
        heads=6,
        heads_per_group=3,
        token_beat_bits=7,
        result_beat_bits=16,
        refresh_beat_bits=4,
    ),
    "counters": CoreConfig(
        head=replace(LEAKING, readout="counters"),
        heads=3,
        token_beat_bits=9,
        result_beat_bits=7,
        refresh_beat_bits=1000,
    ),
    "beats of one bit": CoreConfig(
        head=NO_REFRESH, heads=2, token_beat_bits=1, result_beat_bits=1, refresh_beat_bits=1
    ),
    "one beat": CoreConfig(
        head=LEAKING, heads=2, token_beat_bits=512, result_beat_bits=512, refresh_beat_bits=512
    ),
    "tokens in beats": CoreConfig(head=NO_REFRESH, heads=2, token_beat_bits=8),
    "results in beats": CoreConfig(head=NO_REFRESH, heads=2, result_beat_bits=8),
    "refresh just in time": CoreConfig(
        head=replace(TINY, retention_s=4.45e-6), heads=2, refresh_beat_bits=1
    ),
    "refresh in beats": CoreConfig(head=LEAKING, heads=2, refresh_beat_bits=8),
}
CORE = CORES["two groups of three"]
UPSIZER = r"(?s)(module gaincell_head_{}_upsizer.*?{}) [^;]*;"
WRONG_LINES: dict[str, tuple[str, str, str]] = {
    "a group sees the signs of the other": (
        r"\.sign\(array_sign\[11:6\]\)",
        ".sign(array_sign[5:0])",
        r"output \d of query \d+ is",
    ),
    "beats of a token taken while one waits": (
        UPSIZER.format("token", "assign beat_ready ="),
        r"\1 1'h1;",
        r"query \d+ accepted after \d+ cycles|query \d+ accepted while \d results wait",
    ),
    "beats of a token wait for the core": (
        UPSIZER.format("token", "assign beat_ready ="),
        r"\1 whole_ready;",
        r"a beat of a token is refused while no token waits",
    ),
    "token whole a beat early": (
        r"(?s)(module gaincell_head_token_upsizer.*?is_few \? 3'h2 :) 3'h7;",
        r"\1 3'h6;",
        r"[KV] \w+ enable is \d, expected \d",
    ),
    "flags of a later beat": (
        r"(?s)(module gaincell_head_token_upsizer.*?assign \w+ =) \w+ (\? beat_payload\[8:7\])",
        r"\1 taken \2",
        r"K write has broadcast 1",
    ),
    "short token taken as a whole one": (
        r"(?s)(module gaincell_head_token_upsizer.*?is_few \?) 3'h2 :",
        r"\1 3'h7 :",
        r"output \d of query \d+ is|query pulses are",
    ),
    "unfinished token kept over a reset": (
        r"(?s)(module gaincell_head_token_upsizer.*?) rst \? 3'h0 :",
        r"\1 rst && place === 3'hx ? 3'h0 :",
        r"^cycle \d+: status_fill is 1, but the window holds 0 tokens",
    ),
    "refresh data never become whole": (
        UPSIZER.format("response", "whole_valid <="),
        r"\1 1'h0;",
        r"status: .* dropped|columns were refreshed within",
    ),
    "tag of a later beat": (
        r"(?s)(module gaincell_head_response_upsizer.*?assign \w+ =) \w+ (\? beat_payload\[5:4\])",
        r"\1 taken \2",
        r"status: .* dropped|columns were refreshed within",
    ),
    "beats of a response wait for the core": (
        UPSIZER.format("response", "assign beat_ready ="),
        r"\1 whole_ready;",
        r"a beat of a response is refused while no response waits",
    ),
    "last beat marked early": (
        r"assign beat_payload_last = place == \S+;",
        "assign beat_payload_last = place == 1'h1;",
        r"mark of the last beat or its filling is wrong",
    ),
    "beat dropped while refused": (
        r"assign leaves = beat_valid & beat_ready;",
        "assign leaves = beat_valid;",
        r"a beat of a result changed while refused",
    ),
    "result a cycle late": (
        r"(?s)(module gaincell_head_result_downsizer.*?assign whole_ready =) [^;]*;",
        r"\1 ~ beat_valid;",
        r"result_valid is 0, expected 1, latency of query",
    ),
    "filling not zero": (
        r"12'h000, held\[35:32\]",
        "12'h001, held[35:32]",
        r"mark of the last beat or its filling is wrong",
    ),
}


@needs_icarus
@pytest.mark.parametrize("name", CORES)
def test_passes_a_right_core(name: str, tmp_path: Path) -> None:
    core = CORES[name]
    result = run(tmp_path, head_verilog(core), plain_testbench(core, seed=3), wait=5000)
    assert passes(result), result.stdout
    assert not (tmp_path / "compile.log").read_text()
    refreshed = re.search(r"^(\d+) columns refreshed, (\d+) empty", result.stdout, re.MULTILINE)
    assert refreshed is not None
    assert min(map(int, refreshed.groups())) > 5 or core.head.retention is None


@needs_icarus
@pytest.mark.parametrize("bug", WRONG_LINES)
def test_fails_a_changed_line(bug: str, tmp_path: Path) -> None:
    pattern, replacement, symptom = WRONG_LINES[bug]
    verilog, times = re.subn(pattern, replacement, head_verilog(CORE))
    assert times == 1
    wait = 5000 if "response" in pattern else 0
    check_refusal(run(tmp_path, verilog, plain_testbench(CORE), wait=wait), symptom)


@needs_icarus
def test_fails_a_wrong_expected_output(tmp_path: Path) -> None:
    testbench = plain_testbench(CORE)
    call = re.compile(r"(add_query\(.*, \d+'h\w*)(\w)\);")
    wrong, times = call.subn(lambda last: f"{last[1]}{int(last[2], 16) ^ 1:x});", testbench, 1)
    assert times == 1
    result = run(tmp_path, head_verilog(CORE), wrong)
    check_refusal(result, r"^cycle \d+: output 0 of query 0 is -?\d+, expected -?\d+$")
    assert "FAIL: 2 errors" in result.stdout, "one in each run"


def test_verilator_passes_a_right_core(tmp_path: Path) -> None:
    environment = VERILATOR.environment(None) | VERILATOR.levels(None)
    environment["MAKEFLAGS"] += " OPT_FAST=-O0 OPT_GLOBAL=-O0"  # the build is what takes the time
    texts = head_verilog(CORE), plain_testbench(CORE)
    result = run(tmp_path, *texts, "verilator", environment, wait=5000)
    assert passes(result), (tmp_path / "compile.log").read_text()


def test_refuses_beats_in_which_no_refresh_comes_in_time() -> None:
    core = CORES["refresh just in time"]
    late = replace(core, head=replace(core.head, retention_s=4.4e-6))
    sentence = (
        "refresh_beat_bits is 1, but the 36 beats of a column do not come within its patience of "
        "39 cycles; raise refresh_beat_bits"
    )
    with pytest.raises(ValueError, match=sentence):
        plain_testbench(late)


def test_the_same_text_for_the_same_core() -> None:
    text = plain_testbench(CORE, seed=4)
    assert text == plain_testbench(CORE, seed=4)
    assert "localparam TOKEN_BEAT = 7;" in text
    assert "localparam BEAT_SEED = 5;" in text
