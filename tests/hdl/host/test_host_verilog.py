"""The Verilog of a host port: names, lint, reset, the examples, and the tools that take it."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import gaincell.hdl
from gaincell.cli import main
from gaincell.cocotb_tests.run.simulators import VERILATOR
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.host.verilog import host_verilog
from gaincell.synth.steps.opensta import find_opensta

ROOT = Path(__file__).resolve().parents[3]
HDL = Path(gaincell.hdl.__file__).parent
WAIVERS = [HDL / "lint_waivers.vlt", HDL / "host" / "lint_waivers.vlt"]
SMALL = HeadConfig(head_dim=2, window=4, columns=2, query_bits=2)
CORE = CoreConfig(head=SMALL, heads=4, heads_per_group=2)


def ports(verilog: str) -> list[str]:
    return re.findall(r"\w+", verilog.partition("\nmodule gaincell_core(")[2].partition(");")[0])


def test_has_the_ports_of_axi_and_of_the_arrays():
    verilog = host_verilog(CORE)
    names = ports(verilog)
    kinds = {re.match(r"(s_axil|[sm]_axis_[a-z]+|array|\w+)", name)[1] for name in names}
    streams = {"s_axis_token", "m_axis_result", "m_axis_request", "s_axis_response"}
    assert kinds == {"aclk", "aresetn", "irq", "s_axil", "array", *streams}
    assert not [name for name in names if re.search(r"_\d+$", name)]
    assert "a further query 1 beat: q" in verilog


@pytest.mark.parametrize("reset", ["sync", "async"])
def test_reset_is_low_and_of_the_kind_that_was_asked_for(reset):
    verilog = host_verilog(CORE, reset=reset)
    of_core = verilog.partition("module gaincell_core_core_admission(")[2].partition("endmodule")[0]
    of_port = verilog.partition("module gaincell_core_registers_axi_lite_port(")[2]
    for text in (of_core, of_port.partition("endmodule")[0]):
        assert ("posedge rst" in text) == (reset == "async")
    assert re.search(r"= ! aresetn|~ ?aresetn", verilog)


def test_refuses_a_reset_that_there_is_not():
    with pytest.raises(ValueError, match="reset is 'none', but must be one of sync, async"):
        host_verilog(CORE, reset="none")


@pytest.mark.needs("verilator")
@pytest.mark.slow
@pytest.mark.parametrize(
    "core",
    [
        CoreConfig(head=replace(SMALL, refresh=False), heads=2),
        CoreConfig(head=SMALL, heads=2, token_beat_bits=64, result_beat_bits=64),
    ],
    ids=["no refresh", "one beat"],
)
def test_verilator_finds_nothing_but_what_is_waived(core, tmp_path):
    environment = VERILATOR.environment(None)
    (tmp_path / "core.v").write_text(host_verilog(core))
    verilator = Path(environment["VERILATOR_ROOT"], "bin", "verilator")
    said = subprocess.run(
        [verilator, "--lint-only", "-Wall", "--top-module", "gaincell_core", *WAIVERS, "core.v"],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    assert said == ""


@pytest.mark.needs("iverilog")
@pytest.mark.slow
def test_the_verilog_example_elaborates(tmp_path):
    core = tmp_path / "core.v"
    assert main(["verilog", "--core", "tiny", "--heads", "2", "-o", str(core)]) == 0
    command = ["iverilog", "-g2005", "-Wall", "-s", "chip", "-o", "chip", "core.v"]
    example = ROOT / "examples" / "chip.v"
    run = subprocess.run(
        [*command, example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "port" not in run.stderr


@pytest.mark.slow
def test_the_amaranth_example_converts():
    example = ROOT / "examples" / "system.py"
    run = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert "module system(" in run.stdout
    assert "s_axil__awaddr" in run.stdout


@pytest.mark.needs("fusesoc")
@pytest.mark.slow
def test_fusesoc_takes_the_core_file(tmp_path):
    written = ["verilog", "--core", "tiny", "--bus", "axi", "--package", "--name", "layer"]
    assert main([*written, "-o", str(tmp_path / "core.v")]) == 0
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")

    def fusesoc(*words: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", *words],
            cwd=tmp_path,
            env=os.environ | dict.fromkeys(homes, str(tmp_path / "home")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    assert "layer" in fusesoc("core", "show", "gaincell::layer")
    fusesoc("run", "--setup", "--target", "default", "--tool", "icarus", "gaincell::layer")
    (script,) = (tmp_path / "build").rglob("*.scr")
    assert re.search(r"^\S*core\.v$", script.read_text(), re.MULTILINE)


@pytest.mark.needs("opensta")
@pytest.mark.parametrize("bus", [[], ["--bus", "axi"]])
def test_opensta_takes_the_constraints(bus, tmp_path):
    core = tmp_path / "core.v"
    assert main(["verilog", "--core", "tiny", *bus, "--package", "-o", str(core)]) == 0
    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {".v", ".core", ".f", ".sdc", *((".h", ".rdl") if bus else ())}
    assert (tmp_path / "core.f").read_text() == "core.v\n"
    inputs = ["aclk", "aresetn"] if bus else ["clk", "rst"]
    (tmp_path / "ports.v").write_text(
        f"module gaincell_core ({', '.join(inputs)}, y);\n  input {', '.join(inputs)};\n"
        "  output y;\nendmodule\n"
    )
    (tmp_path / "run.tcl").write_text(
        f"read_liberty {ROOT / 'tests' / 'synth' / 'small.lib'}\n"
        "read_verilog ports.v\nlink_design gaincell_core\n"
        "source core.sdc\nputs [get_property [get_clocks clk] period]\n"
    )
    run = subprocess.run(
        [find_opensta(), "-exit", "-no_splash", "run.tcl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert "Error" not in run.stdout
    assert float(run.stdout.split()[-1]) == 1.0
