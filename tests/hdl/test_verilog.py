"""The generated Verilog: its names, its header, its size, and what a linter says to it."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from amaranth.hdl import Shape
from amaranth.lib import data
from formal.planting import Bug, planted

import gaincell.hdl
from gaincell.cocotb_tests.run.simulators import VERILATOR
from gaincell.config import PRESETS, READOUT_NAMES, HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl import verilog
from gaincell.hdl.layouts import request_layout, response_layout, token_layout
from gaincell.hdl.verilog import TOP, head_verilog, plain_names
from gaincell.refusals import Unable
from gaincell.system.processes import run

SCHEDULES = ("sequential", "overlapped", "paired")
WAIVERS = Path(gaincell.hdl.__file__).with_name("lint_waivers.vlt")
SMALL = {
    "one cell": {"head_dim": 1, "window": 1, "columns": 1},
    "one column": {"head_dim": 3, "window": 3, "columns": 1, "sink": 1, "sync_stages": 2},
    "one sub-tile": {"head_dim": 2, "window": 5, "columns": 5, "sink": 2, "step_cycles": 3},
    "no refresh": {"head_dim": 2, "window": 6, "columns": 3, "sink": 1, "refresh": False},
    "single bits": {
        "head_dim": 2,
        "window": 4,
        "columns": 2,
        "query_bits": 1,
        "key_bits": 1,
        "readout_bits": 1,
        "write_cycles": 1,
        "reset_cycles": 1,
    },
}


def heads(**fields):
    """Configs of both readouts and all schedules."""
    return [
        HeadConfig(readout=readout, schedule=schedule, **fields)
        for readout, schedule in product(READOUT_NAMES, SCHEDULES)
    ]


def verilog_in_another_process(hash_seed):
    script = (
        "import sys; from gaincell.config import PRESETS; "
        "from gaincell.hdl.verilog import head_verilog; "
        "sys.stdout.write(head_verilog(PRESETS['tiny']))"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        check=True,
        text=True,
    ).stdout


@pytest.mark.slow
def test_is_the_same_in_every_process():
    text = head_verilog(PRESETS["tiny"])
    assert text == verilog_in_another_process(1) == verilog_in_another_process(2)


def test_is_generated_once_for_configs_that_differ_in_the_arrays_alone():
    config = HeadConfig(**SMALL["one cell"])
    text = head_verilog(config)
    assert head_verilog(replace(config, score_saturation=7.0, output_saturation=0.3)) is text
    assert head_verilog(config, timing=config.timing, retention=config.retention) is text


def test_follows_another_schedule_and_plan_than_the_config():
    config = HeadConfig(**SMALL["one cell"])
    timing, plan = config.timing, config.retention
    wrong = replace(timing, interval_cycles=timing.interval_cycles + 1)
    fewer = replace(plan, patience_cycles=plan.patience_cycles - 1)
    texts = [head_verilog(config), head_verilog(config, timing=wrong)]
    texts.append(head_verilog(config, retention=fewer))
    assert len(set(texts)) == 3
    assert f"one query every {wrong.interval_cycles} cycles" in texts[1]
    assert f"must come within {fewer.patience_cycles}." in texts[2]
    assert head_verilog(config) == texts[0]


def test_no_planted_bug_is_hidden_by_what_was_generated_before():
    config = HeadConfig(**SMALL["one cell"])
    right = head_verilog(config)
    with planted(Bug("admission", "self.first | fresh", "self.first")):
        wrong = head_verilog(config)
    assert re.search(r"starts_sequence = .* fresh;", right)
    assert not re.search(r"starts_sequence = .* fresh;", wrong)
    assert head_verilog(config) == right


@pytest.mark.parametrize(
    "config", heads(), ids=lambda config: f"{config.readout}-{config.schedule}"
)
@pytest.mark.slow
def test_full_size_head_is_a_small_file(config):
    assert len(head_verilog(config)) < 200_000


def test_top_module_has_the_name_given():
    for name in (TOP, "other"):
        modules = re.findall(r"^module (\w+)", head_verilog(PRESETS["tiny"], name), re.M)
        assert modules[0] == name
        assert all(module.startswith(f"{name}_") for module in modules[1:])


PAYLOADS = {
    "token": token_layout,
    "refresh_request": request_layout,
    "refresh_response": response_layout,
}


@pytest.mark.parametrize("stream", PAYLOADS)
@pytest.mark.parametrize("fields", SMALL.values(), ids=SMALL)
def test_header_names_the_fields_of_a_payload(fields, stream):
    config = HeadConfig(**fields)
    text = head_verilog(config)
    header = re.search(rf"^//   {stream}_payload\n((//     .+\n)+)", text, re.M)[1]
    found = re.findall(r"^//     (\w+) +\[(\d+):(\d+)\](?:  (\d+) x (\d+) bits)?$", header, re.M)
    layout = dict(PAYLOADS[stream](config))
    assert len(found) == header.count("\n")
    assert [name for name, *_ in found] == list(layout)
    for name, high, low, count, bits in found:
        shape = layout[name].shape
        width = Shape.cast(shape).width
        assert (int(low), int(high)) == (layout[name].offset, layout[name].offset + width - 1)
        if isinstance(shape, data.ArrayLayout):
            assert (int(count), int(bits)) == (config.head_dim, width // config.head_dim)
        else:
            assert count == bits == ""
    top = re.search(rf"^  (?:input|output) \[(\d+):0\] {stream}_payload;", text, re.M)
    assert int(top[1]) == Shape.cast(PAYLOADS[stream](config)).width - 1 == int(found[-1][1])


@pytest.mark.slow
@pytest.mark.parametrize("fields", SMALL.values(), ids=SMALL)
def test_has_no_empty_range_and_no_path(fields):
    for config in heads(**fields):
        text = head_verilog(config)
        assert "[-1:0]" not in text
        assert not re.search(r"/(tmp|home|root|work|usr)\b|\.py\b", text)


@pytest.mark.slow
@pytest.mark.parametrize("fields", SMALL.values(), ids=SMALL)
def test_names_need_no_escape_and_suit_vhdl(fields):
    for config in heads(**fields):
        text = head_verilog(config)
        assert "\\" not in text
        assert not re.search(r"\w__\w", text)


def test_names_that_would_meet_are_told_apart():
    intermediate = r'wire \a__b \a_b \a.b \$c "\\a_b" "\\a__b"'
    assert plain_names(intermediate) == r'wire \a_b_3 \a_b \a_b_2 \c "\\a_b" "\\a_b_3"'


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, *SMALL.values()], ids=["gpt2", *SMALL])
def test_every_signal_has_a_name(fields):
    for config in heads(**fields):
        assert not re.search(r"\bsignal(_\d+)?\b", head_verilog(config))


def test_has_no_initial_values():
    assert not re.search(r"\binitial\b", head_verilog(PRESETS["tiny"]))


def lint(config, folder, *sources):
    """What Verilator says about the Verilog of ``config``; empty if nothing."""
    environment = VERILATOR.environment(None)
    head = folder / "head.v"
    head.write_text(head_verilog(config))
    verilator = Path(environment["VERILATOR_ROOT"], "bin", "verilator")
    return subprocess.run(
        [verilator, "--lint-only", "-Wall", "--top-module", TOP, *sources, head],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    ).stderr


@pytest.mark.needs("verilator")
@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, *SMALL.values()], ids=["gpt2", *SMALL])
def test_verilator_finds_nothing_but_what_is_waived(fields, tmp_path):
    for config in heads(**fields):
        assert lint(config, tmp_path, WAIVERS) == ""


@pytest.mark.needs("verilator")
@pytest.mark.slow
def test_verilator_finds_nothing_in_a_core_but_what_is_waived(tmp_path):
    head = HeadConfig(**SMALL["no refresh"] | {"refresh": True})
    beats = {"token_beat_bits": 5, "result_beat_bits": 3, "refresh_beat_bits": 4}
    core = CoreConfig(head=head, heads=4, heads_per_group=2, **beats)
    assert lint(core, tmp_path, WAIVERS) == ""


@pytest.mark.needs("verilator")
@pytest.mark.slow
def test_each_waiver_is_needed(tmp_path):
    waivers = WAIVERS.read_text().splitlines()
    lines = [line for line in waivers if line.startswith("lint_off")]
    longest = {"query_bits": 1, "readout_bits": 1, "write_cycles": 1, "reset_cycles": 1}
    small = {"head_dim": 2, "window": 4, "columns": 2, "schedule": "sequential", **longest}
    needed = set()
    others = [{"refresh": False}, {"readout": "counters"}]
    for fields in (small, *(small | other for other in others), SMALL["one cell"]):
        config = HeadConfig(**fields)
        waived = lint(config, tmp_path, WAIVERS).count("%Warning")
        for line in set(lines) - needed:
            fewer = tmp_path / "fewer.vlt"
            fewer.write_text("\n".join(other for other in waivers if other != line) + "\n")
            if lint(config, tmp_path, fewer).count("%Warning") > waived:
                needed.add(line)
    assert needed == set(lines)


def test_yosys_gets_another_folder_where_the_user_has_none(monkeypatch):
    tried = []

    def fails_at_home(command, folder, log, changes):
        tried.append(changes.get("XDG_CACHE_HOME"))
        if len(tried) == 3:
            return run(command, folder, log)  # a new folder would cost seconds
        log.write_text("Traceback (most recent call last):\nWasmtimeError: no folder\n")
        return 1

    monkeypatch.setattr(verilog, "run", fails_at_home)
    monkeypatch.setenv("GAINCELL_CACHE", "/cache")
    assert "module gaincell_head" in head_verilog(replace(PRESETS["tiny"], write_cycles=12))
    assert tried[:2] == [None, "/cache"]
    assert "gaincell-verilog-" in tried[2]
    monkeypatch.setattr(verilog, "run", lambda *arguments: fails_at_home(*arguments) or 1)
    with pytest.raises(Unable, match="cannot write the Verilog: WasmtimeError: no folder"):
        head_verilog(replace(PRESETS["tiny"], write_cycles=13))
