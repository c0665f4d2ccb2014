"""The unit for products that the estimate takes from the literature, mapped to real cells."""

import re

import pytest

from gaincell.synth.estimate.operations import (
    ADD_16,
    FLOP_UM2,
    MAC_FLOPS,
    MULTIPLY_8,
)
from gaincell.synth.steps.yosys import run_yosys

UNIT = """
module unit (input clk, input clear, input signed [7:0] a, b, output reg signed [15:0] sum);
  reg signed [7:0] a_kept, b_kept;
  always @(posedge clk) begin
    a_kept <= a;
    b_kept <= b;
    sum <= (clear ? 16'sd0 : sum) + a_kept * b_kept;
  end
endmodule
"""
SCRIPT = """read_verilog unit.v
synth -flatten -booth -top unit
dfflibmap -liberty library.lib
abc -liberty library.lib
tee -o stat.txt stat -liberty library.lib
"""


@pytest.mark.formal
def test_a_unit_in_nangates_cells_is_as_large_as_assumed_within_a_quarter(real_library, tmp_path):
    (tmp_path / "unit.v").write_text(UNIT)
    (tmp_path / "library.lib").write_text(real_library("nangate45_typ").text)
    run_yosys(SCRIPT, tmp_path, "unit")
    found = re.search(r"Chip area for module .*: ([\d.]+)", (tmp_path / "stat.txt").read_text())
    assumed_um2 = MULTIPLY_8.area_um2 + ADD_16.area_um2 + MAC_FLOPS * FLOP_UM2
    assert assumed_um2 == pytest.approx(493.7, abs=0.1)
    assert float(found[1]) == pytest.approx(assumed_um2, rel=0.25)
