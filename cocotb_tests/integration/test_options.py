"""Heads as an integrator asks for them: another name, another reset, gated clocks."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape

from gaincell.cli import main
from gaincell.cocotb_tests.conftest import lively_run, needs_icarus
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import HeadConfig
from gaincell.hdl.layouts import token_layout
from gaincell.hdl.verilog import head_verilog
from gaincell.synth.gated_verilog import ClockGate, gated_verilog

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

FIELDS: dict[str, Any] = {
    "head_dim": 5,
    "window": 12,
    "columns": 3,
    "sink": 2,
    "retention_s": 20e-6,
}
CONFIG = HeadConfig(**FIELDS)
GATE = "some_lib__gate_2:EN,CK,Q"
CELL = """\
module some_lib__gate_2 (input EN, CK, output Q);
  reg open;
  always @(CK or EN) if (!CK) open = EN;
  assign Q = CK & open;
endmodule
"""
STUCK_CELL = "module some_lib__gate_2 (input EN, CK, output Q); assign Q = 0; endmodule\n"
BETWEEN_EDGES = """\
module between_edges;
  reg clk = 0, rst = 0;
  wire writing;
  always #5 clk = ~clk;
  head dut (.clk(clk), .rst(rst), .token_valid(1'b1), .token_payload(%d'd0), .result_ready(1'b1),
    .refresh_request_ready(1'b1), .refresh_response_valid(1'b0), .array_k_write_enable(writing));
  initial begin
    #1 rst = 1; #20 rst = 0; #31 $display("%%b", writing);
    rst = 1; #1 $display("%%b", writing);
    $finish;
  end
endmodule
"""


@pytest.mark.parametrize("interrupt_cycle", [None, 700])
def test_a_head_with_asynchronous_reset_does_the_same(interrupt_cycle: int | None) -> None:
    config, tokens = lively_run(CONFIG, seed=51)
    verilog = head_verilog(config, reset="async")
    expected = verify(config, tokens, interrupt_cycle=interrupt_cycle)
    found = verify(config, tokens, interrupt_cycle=interrupt_cycle, verilog=verilog)
    np.testing.assert_array_equal(found.y_code, expected.y_code)
    assert "posedge rst" in verilog
    assert "posedge rst" not in head_verilog(config)


@needs_icarus
@pytest.mark.parametrize("reset", ["sync", "async"])
def test_only_an_asynchronous_reset_acts_between_clock_edges(reset: str, tmp_path: Path) -> None:
    verilog = head_verilog(CONFIG, "head", reset=reset)
    bits = Shape.cast(token_layout(CONFIG)).width
    (tmp_path / "tb.v").write_text(BETWEEN_EDGES % bits)
    (tmp_path / "head.v").write_text(verilog)
    compiled = ["iverilog", "-o", "tb", "tb.v", "head.v"]
    subprocess.run(compiled, cwd=tmp_path, check=True, capture_output=True)
    told = subprocess.run(["vvp", "-n", "tb"], cwd=tmp_path, check=True, capture_output=True)
    assert told.stdout.split() == [b"1", b"0" if reset == "async" else b"1"]


@needs_icarus
@pytest.mark.parametrize("reset", [[], ["--async-reset"]], ids=["sync", "async"])
def test_a_named_head_with_gated_clocks_passes_its_testbench(
    reset: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("head.toml").write_text("".join(f"{name} = {value}\n" for name, value in FIELDS.items()))
    options = ["--name", "Kopf_2", "--clock-gate", GATE, "--testbench", "tb.v", "-o", "head.v"]
    assert main(["verilog", "--config", "head.toml", *options, *reset]) == 0
    verilog = Path("head.v").read_text()
    assert verilog.count("  some_lib__gate_2 ") > 8
    assert ("posedge rst" in verilog) == bool(reset)
    for cell, passes in ((CELL, True), (STUCK_CELL, False)):
        Path("cell.v").write_text(cell)
        subprocess.run(["iverilog", "-o", "tb", "tb.v", "head.v", "cell.v"], check=True)
        done = subprocess.run(["vvp", "-n", "tb"], capture_output=True, text=True, check=False)
        assert ("\nPASS" in done.stdout) == passes, done.stdout


def test_gated_clocks_do_not_change_what_verilator_sees() -> None:
    config, tokens = lively_run(CONFIG, seed=52)
    verilog = gated_verilog(head_verilog(config), ClockGate.parse(GATE))
    verify(config, tokens, verilog=verilog + CELL)
