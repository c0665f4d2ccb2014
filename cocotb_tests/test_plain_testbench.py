"""The plain testbench passes right heads of many configs, and fails wrong ones by name."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gaincell.behavioral.attention import attend
from gaincell.cocotb_tests.conftest import needs_icarus, with_line_changed
from gaincell.cocotb_tests.plain.plain_testbench import plain_testbench
from gaincell.cocotb_tests.plain.vectors import default_tokens, golden_vectors
from gaincell.cocotb_tests.planted.test_lies import CONFIG as OF_LIES
from gaincell.cocotb_tests.planted.test_lies import LIES, changed
from gaincell.cocotb_tests.planted.test_wrong_heads import Change, moved
from gaincell.cocotb_tests.run.simulators import VERILATOR
from gaincell.config import PRESETS, READOUT_NAMES, HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.layouts import token_layout
from gaincell.hdl.verilog import head_verilog

TINY: dict[str, Any] = {"head_dim": 8, "window": 16, "columns": 4}
CONFIGS: dict[str, dict[str, Any]] = {
    "odd": {"head_dim": 5, "window": 21, "columns": 7},
    "one cell": {"head_dim": 1, "window": 1, "columns": 1},
    "one column": {"head_dim": 4, "window": 6, "columns": 1},
    "sink": {"head_dim": 5, "window": 12, "columns": 4, "sink": 3},
    "sequential": TINY | {"schedule": "sequential"},
    "paired": TINY | {"schedule": "paired"},
    "late pulses": TINY | {"late_cycles": 2, "sync_stages": 2},
    "two sync stages": TINY | {"sync_stages": 2, "schedule": "paired"},
    "readout bound": TINY
    | {"query_bits": 1, "write_cycles": 1, "reset_cycles": 1, "schedule": "paired"},
    **{name: TINY | {"readout": name} for name in READOUT_NAMES[1:]},
    "slow steps": TINY | {"step_cycles": 3},
    "narrow codes": TINY | {"query_bits": 1, "key_bits": 2, "value_bits": 1, "readout_bits": 2},
    "wide codes": TINY | {"query_bits": 2, "key_bits": 8, "value_bits": 8, "readout_bits": 6},
    "without refresh": TINY | {"refresh": False},
    "no bound": TINY | {"cell": "linear", "retention_error": 0.5},
    "age in time": TINY | {"age_mode": "time"},
}
REFRESHED: dict[str, dict[str, Any]] = {
    "overlapped": TINY | {"retention_s": 20e-6},
    "sink": CONFIGS["sink"] | {"retention_s": 14e-6},
    "late write": TINY | {"retention_s": 20e-6, "write_cycles": 2, "reset_cycles": 17},
}
CONFIG = HeadConfig(head_dim=5, window=12, columns=3, sink=2, retention_s=14e-6)
WITHOUT_REFRESH = replace(CONFIG, refresh=False)

WRONG_SCHEDULES: dict[str, tuple[Change, str]] = {
    "K write too short": (moved("k_write", 1, 0), r"K write enable is 0, expected 1"),
    "V write too long": (moved("v_write", 0, 1), r"the V array is written while it is read"),
    "K write runs into QK": (moved("k_write", 2, 2), r"the K array is written while it is read"),
    "K reset too short": (moved("k_reset", 1, 0), r"k_reset is 0, expected 1"),
    "QK cut short": (moved("qk", 0, -1), r"k_integrate is 0, expected 1"),
    "AV cut short": (moved("av", 0, -1), r"v_integrate is 0, expected 1"),
    "OUT too early": (moved("out", -1, -1), r"v_convert is 1, expected 0"),
    "token admitted too early": (
        lambda timing: {"interval_cycles": timing.interval_cycles - 1},
        r"accepted after (\d+) cycles, expected",
    ),
    "token admitted too late": (
        lambda timing: {"interval_cycles": timing.interval_cycles + 1},
        r"is kept out without a reason",
    ),
}
WRONG_CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "query pulses too long": ({"step_cycles": 2}, r"query pulses are [01]+, expected"),
    "sign looked at too late": ({"sync_stages": 2}, r"output \d of query \d+ is"),
    "result too late": ({"sync_stages": 2}, r"result_valid is 0, expected 1, latency of query"),
}
WRONG_LINES: dict[str, tuple[str, str, str, str]] = {
    "cells not cleared": (
        "admission",
        r"assign starts_sequence = .* fresh;",
        "assign starts_sequence = 1'b0;",
        r"K clear enable is 0",
    ),
    "sub-tile too wide": (
        "write_pointer",
        r"assign (\S+) = column == 2'h2;",
        r"assign \1 = column == 2'h3;",
        r"K write goes to sub-tile \d+, column 3, but",
    ),
    "place not reserved": (
        "admission",
        r"assign (\S+) = owed != 2'h2;",
        r"assign \1 = 1'b1;",
        r"query \d+ accepted while \d results wait",
    ),
    "further query written": (
        "admission",
        r"assign writes = .*;",
        "assign writes = 1'b1;",
        r"K write enable is 1, expected 0|K write goes to|K refresh",
    ),
    "sign ignored": (
        "readout",
        r"assign flipped = (\S+) \^ sign;",
        r"assign flipped = \1;",
        r"output \d of query \d+ is",
    ),
    "idle pulses not sampled after reset": (
        "readout",
        r"assign (\S+) = rst \? 1'h1 : converting;",
        r"assign \1 = rst ? 1'h0 : converting;",
        r"output \d of query \d+ is",
    ),
    "result overwritten": (
        "result_queue",
        r"assign (\S+) = holds_0 == leaves_0;",
        r"assign \1 = 1'b1;",
        r"changed while refused",
    ),
    "empty column asked for": (
        "refresh.held_columns",
        r"assign holds = .*;",
        "assign holds = 1'b1;",
        r"refresh_request_valid is 1 for sub-tile",
    ),
    "data never arrive": (
        "refresh",
        r"assign (\S+) = response_tag == tag;",
        r"assign \1 = 1'b0;",
        r"K refresh has codes 0+, expected|status: .* dropped",
    ),
}
WRONG_TOP_LINES: dict[str, tuple[str, str, str]] = {
    "refresh of the wrong column": (
        r"assign (\S+) = v_refresh_starts \? column\w* : next_column;",
        r"assign \1 = next_column;",
        r"V refresh goes to sub-tile",
    ),
    "empty column refreshed with data": (
        r"assign (\S+) = v_refresh_starts & \S+;",
        r"assign \1 = v_refresh_starts;",
        r"V refresh has codes \w+, expected 0+$",
    ),
    "flops without reset": (r"rst \? 1'h0 : (\S+);", r"\1;", r"token_ready is x"),
}


def commands(testbench: str, program: str) -> list[str]:
    """The two commands for a simulator as the testbench's own header tells them."""
    told = re.findall(r"^//   \$ (.*)$", testbench, re.MULTILINE)
    start = next(at for at, line in enumerate(told) if line.startswith(program))
    return told[start : start + 2]


def run(
    folder: Path,
    verilog: str,
    testbench: str,
    program: str = "iverilog",
    environment: dict[str, str] | None = None,
    wait: int | None = 0,
) -> subprocess.CompletedProcess[str]:
    """Compile and run ``testbench`` as its header says; the commands take a shell only."""
    (folder / "head.v").write_text(verilog)
    (folder / "head_tb.v").write_text(testbench)
    compiling, running = commands(testbench, program)
    waiting = "" if wait is None else f" +wait={wait}"
    return subprocess.run(
        f"{compiling} >compile.log 2>&1 && {running}{waiting}",
        shell=True,
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def passes(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode == 0 and "\nPASS: " in result.stdout and "FAIL" not in result.stdout


def check_refusal(result: subprocess.CompletedProcess[str], symptom: str) -> None:
    """The run failed, for the reason wanted, and said so in few lines."""
    assert result.returncode != 0
    assert re.search(symptom, result.stdout, re.MULTILINE), result.stdout
    assert re.search(r"^FAIL: \d+ errors$", result.stdout, re.MULTILINE)
    assert "PASS" not in result.stdout
    assert len(result.stdout.splitlines()) < 50


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("name", CONFIGS)
def test_passes_a_right_head(name: str, tmp_path: Path) -> None:
    config = HeadConfig(**CONFIGS[name])
    result = run(tmp_path, head_verilog(config), plain_testbench(config))
    assert passes(result), result.stdout


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("name", REFRESHED)
def test_follows_refreshes(name: str, tmp_path: Path) -> None:
    config = HeadConfig(**REFRESHED[name])
    result = run(tmp_path, head_verilog(config), plain_testbench(config, seed=1), wait=9000)
    assert passes(result), result.stdout
    refreshed = re.search(r"^(\d+) columns refreshed, (\d+) empty", result.stdout, re.MULTILINE)
    assert refreshed is not None
    assert min(int(count) for count in refreshed.groups()) > 5


@pytest.mark.cosim
@needs_icarus
def test_passes_a_right_core_and_fails_one_with_groups_mixed_up(tmp_path: Path) -> None:
    core = CoreConfig(head=replace(CONFIG, head_dim=3), heads=6, heads_per_group=2)
    verilog, testbench = head_verilog(core), plain_testbench(core)
    result = run(tmp_path, verilog, testbench)
    assert passes(result), result.stdout
    own, other = ".sign(array_sign[44:30])", ".sign(array_sign[29:15])"
    assert verilog.count(own) == 1
    check_refusal(run(tmp_path, verilog.replace(own, other), testbench), r"output \d of query \d+")


@pytest.mark.cosim
@needs_icarus
def test_passes_runs_too_short_for_anything(tmp_path: Path) -> None:
    config = PRESETS["tiny"]
    verilog = head_verilog(config)
    for tokens in (1, 2, 4, 7):
        assert passes(run(tmp_path, verilog, plain_testbench(config, tokens, seed=tokens)))


@pytest.mark.cosim
def test_verilator_passes_and_fails(tmp_path: Path) -> None:
    environment = VERILATOR.environment(None)
    environment |= VERILATOR.levels(None)
    environment["MAKEFLAGS"] += " OPT_FAST=-O0 OPT_GLOBAL=-O0"  # the build is what takes the time
    config = HeadConfig(**CONFIGS["sink"])
    testbench = plain_testbench(config)
    result = run(tmp_path, head_verilog(config), testbench, "verilator", environment, wait=100)
    assert passes(result), (tmp_path / "compile.log").read_text()
    wrong = with_line_changed(config, *WRONG_LINES["sign ignored"][:3])
    result = run(tmp_path, wrong, testbench, "verilator", environment)
    check_refusal(result, WRONG_LINES["sign ignored"][3])


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("bug", WRONG_SCHEDULES)
def test_fails_a_wrong_schedule(bug: str, tmp_path: Path) -> None:
    check_schedule(bug, CONFIG, tmp_path)


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("bug", ["token admitted too early", "token admitted too late"])
def test_fails_a_wrong_interval_without_refresh(bug: str, tmp_path: Path) -> None:
    check_schedule(bug, WITHOUT_REFRESH, tmp_path)


def check_schedule(bug: str, config: HeadConfig, tmp_path: Path) -> None:
    change, symptom = WRONG_SCHEDULES[bug]
    verilog = head_verilog(config, timing=replace(config.timing, **change(config.timing)))
    check_refusal(run(tmp_path, verilog, plain_testbench(config)), symptom)


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("bug", WRONG_CONFIGS)
def test_fails_a_head_for_another_config(bug: str, tmp_path: Path) -> None:
    difference, symptom = WRONG_CONFIGS[bug]
    config = WITHOUT_REFRESH
    verilog = head_verilog(replace(config, **difference), timing=config.timing)
    check_refusal(run(tmp_path, verilog, plain_testbench(config)), symptom)


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("bug", WRONG_LINES)
def test_fails_a_changed_line(bug: str, tmp_path: Path) -> None:
    *change, symptom = WRONG_LINES[bug]
    verilog = with_line_changed(CONFIG, *change)
    check_refusal(run(tmp_path, verilog, plain_testbench(CONFIG), wait=5000), symptom)


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize("bug", WRONG_TOP_LINES)
def test_fails_a_changed_connection(bug: str, tmp_path: Path) -> None:
    pattern, replacement, symptom = WRONG_TOP_LINES[bug]
    verilog, times = re.subn(pattern, replacement, head_verilog(CONFIG))
    assert times >= 1
    check_refusal(run(tmp_path, verilog, plain_testbench(CONFIG), wait=5000), symptom)


@pytest.mark.cosim
@needs_icarus
@pytest.mark.parametrize(
    ("lie", "symptom"),
    [
        ("refresh writes zeros", "K refresh has codes 0+, expected"),
        ("refresh writes the codes of the response before", "writes other codes than those of its"),
        ("fresh column cleared", "K refresh has codes 0+, expected"),
        ("request withdrawn", "a request changed while it was refused"),
        ("high bit of refreshed stuck", "status_refreshed is 32768, but 0 columns"),
        ("worst age one too low", "status_worst_age is"),
        ("fill one too low", "status_fill is 7, but the window holds 8"),
    ],
)
def test_fails_a_head_that_lies(lie: str, symptom: str, tmp_path: Path) -> None:
    verilog = changed(*LIES[lie][:3])
    check_refusal(run(tmp_path, verilog, plain_testbench(OF_LIES), wait=None), symptom)


@pytest.mark.cosim
@needs_icarus
def test_refreshes_columns_of_the_presets_by_default(tmp_path: Path) -> None:
    config = PRESETS["tiny"]
    result = run(tmp_path, head_verilog(config), plain_testbench(config), wait=None)
    assert passes(result), result.stdout
    assert result.stdout.startswith("2 columns refreshed, ")


@pytest.mark.cosim
@needs_icarus
def test_fails_a_head_that_never_refreshes(tmp_path: Path) -> None:
    verilog = changed("_refresh_young_columns", r"(assign young =) .*;", r"\1 1'b1;")
    result = run(tmp_path, verilog, plain_testbench(OF_LIES), wait=None)
    check_refusal(result, "0 columns were refreshed within the bound, expected 2")


@pytest.mark.cosim
@needs_icarus
def test_ends_when_the_head_stops(tmp_path: Path) -> None:
    verilog = with_line_changed(CONFIG, "admission", r"assign accept = .*;", "assign accept = 0;")
    result = run(tmp_path, verilog, plain_testbench(CONFIG))
    check_refusal(result, r"queries accepted, 0 answered, and nothing happens")


def test_vectors_exercise_the_head() -> None:
    for config in (HeadConfig(**CONFIGS["odd"]), HeadConfig(**CONFIGS["sink"])):
        golden = golden_vectors(config, default_tokens(config), seed=0)
        assert golden.starts.sum() >= 4
        assert (~golden.writes).sum() >= 4
        assert golden.position.max() > config.window, "the ring must wrap"
        assert (golden.refuse > config.interval_cycles).any()
        assert (golden.idle > 0).any()
        assert {-config.readout_max, config.readout_max} <= set(golden.tile_code.ravel())
        assert (golden.y_code == golden.tile_code.sum(axis=1)).all()
        assert (golden.negative & (golden.tile_code == 0)).any()


def test_golden_values_are_those_of_the_attention_model() -> None:
    config = PRESETS["tiny"]
    golden = golden_vectors(config, 40, seed=5)
    assert golden.config == config, "its saturations leave few outputs zero"
    layout = token_layout(config)

    def codes(bits: int, name: str, words: list[int]) -> np.ndarray:
        numbers = [word >> layout[name].offset for word in words]
        return np.array([[n >> bits * r & (1 << bits) - 1 for r in range(8)] for n in numbers])

    written = [word for word, writes in zip(golden.offered, golden.writes, strict=True) if writes]
    assert max(golden.offered).bit_length() <= layout.size
    y_code = attend(
        codes(config.query_bits, "q", written),
        codes(config.key_bits, "k", written),
        codes(config.value_bits, "v", written),
        config,
        first=golden.starts[golden.writes],
    )
    assert (y_code == golden.y_code[golden.writes]).all()


def test_stays_small_and_the_same() -> None:
    config = PRESETS["gpt2"]
    text = plain_testbench(config)
    assert len(text) < 300_000
    assert text == plain_testbench(config)
    assert text != plain_testbench(config, seed=1)
    assert max(len(line) for line in text.splitlines()) < 1000
