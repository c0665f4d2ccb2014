"""The Verilog that users get: the same every time, small, readable and clean."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Shape

from gaincell.cocotb_tests.tools import MissingTool, simulator_environment
from gaincell.config import PRESETS, HeadConfig
from gaincell.hdl import verilog
from gaincell.hdl.layouts import token_layout
from gaincell.hdl.verilog import head_verilog

SCHEDULES = ("sequential", "overlapped", "paired")
READOUTS = ("popcount", "counters")
WAIVERS = Path(verilog.__file__).with_name("lint_waivers.vlt")

SMALL = [
    HeadConfig(head_dim=1, window=1, columns=1),
    HeadConfig(head_dim=1, window=1, columns=1, sink=1, query_bits=1, readout_bits=1),
    HeadConfig(head_dim=3, window=6, columns=2, schedule="paired", readout="counters"),
    HeadConfig(head_dim=5, window=21, columns=7, sink=2, step_cycles=3, sync_stages=2),
    PRESETS["tiny"],
]


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_default_head_stays_below_200_kb(schedule, readout):
    assert len(head_verilog(HeadConfig(schedule=schedule, readout=readout))) < 200_000


def test_text_depends_on_the_config_alone():
    program = (
        "from gaincell.config import PRESETS; from gaincell.hdl.verilog import head_verilog; "
        "print(head_verilog(PRESETS['tiny']), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert texts == {head_verilog(PRESETS["tiny"])}


@pytest.mark.parametrize("config", SMALL, ids=str)
def test_no_range_is_empty_and_no_flop_starts_with_a_value(config):
    text = head_verilog(config)
    assert "[-1:" not in text
    assert not re.search(r"^\s*reg .*=", text, re.MULTILINE)
    assert "module gaincell_head(" in text
    assert not re.search(r"(/[\w.-]+){2,}", re.sub(r"//.*", "", text)), "a path of some machine"


def test_module_takes_the_name_it_is_given():
    assert "module my_head(" in head_verilog(PRESETS["tiny"], name="my_head")


@pytest.mark.parametrize("config", SMALL, ids=str)
def test_header_tells_where_the_fields_are(config):
    header = head_verilog(config).partition("module ")[0]
    for name, field in token_layout(config):
        high = field.offset + Shape.cast(field.shape).width - 1
        assert re.search(rf"//   {name} +\[{high}:{field.offset}\]", header)
    assert f"{config.head_dim} x {config.result_width} bits, signed" in header


@pytest.mark.parametrize("config", [*SMALL, PRESETS["gpt2"]], ids=str)
def test_lint_finds_only_what_is_waived(config, tmp_path):
    try:
        environment = simulator_environment("verilator")
    except MissingTool as missing:
        pytest.skip(str(missing))
    source = tmp_path / "head.v"
    source.write_text(head_verilog(config))
    found = subprocess.run(
        ["verilator", "--lint-only", "-Wall", str(WAIVERS), str(source)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_every_waiver_is_explained():
    blocks = WAIVERS.read_text().split("\n\n")[1:]
    waivers = [block for block in blocks if "lint_off" in block]
    assert waivers
    assert all(block.startswith("// ") for block in waivers)
