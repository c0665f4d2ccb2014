"""A head's Verilog in which clock gates of the user's library hold the wide registers."""

import re
from dataclasses import dataclass

from gaincell.files import scratch_folder
from gaincell.hdl.identifiers import KEYWORD_OF
from gaincell.synth.steps.yosys import run_yosys

LEAST_BITS = 8
"""Registers of fewer bits keep their enable: a gate would cost more than it saves."""


@dataclass(frozen=True)
class ClockGate:
    """A cell that gates a clock which rises, and its pins; the enable is high to let it pass."""

    cell: str
    enable: str
    clock: str
    gated: str

    @classmethod
    def parse(cls, text: str) -> "ClockGate":
        """From ``CELL:ENABLE,CLOCK,GATED``.

        Raises
        ------
        ValueError
        """
        found = re.fullmatch(r"([A-Za-z_]\w*):([A-Za-z_]\w*),([A-Za-z_]\w*),([A-Za-z_]\w*)", text)
        if found is None or not text.isascii():
            raise ValueError(
                f"clock gate is {text!r}, but must be CELL:ENABLE,CLOCK,GATED: a cell and its "
                "pins, as in sky130_fd_sc_hd__dlclkp_1:GATE,CLK,GCLK"
            )
        for name in found.groups():
            if KEYWORD_OF.get(name) == "Verilog":
                raise ValueError(f"clock gate is {text!r}, but {name} is a keyword of Verilog")
        if len(set(found.groups()[1:])) < 3:
            raise ValueError(f"clock gate is {text!r}, but its three pins must have three names")
        return cls(*found.groups())


def gated_verilog(verilog: str, gate: ClockGate) -> str:
    """``verilog`` with a ``gate`` for each enable of registers of ``LEAST_BITS`` bits and above.

    Nothing else changes. The cell itself is not part of the text: a library has it.

    Raises
    ------
    YosysMissing
    YosysFailed
    """
    header = verilog[: verilog.index("\nmodule ")]
    with scratch_folder("gaincell-gates-") as folder:
        (folder / "head.v").write_text(verilog, encoding="utf-8")
        (folder / "gates.v").write_text(_gate_map(gate), encoding="utf-8")
        run_yosys(_script(gate), folder, "gates")
        text = (folder / "gated.v").read_text(encoding="utf-8")
    modules = text.partition("\n")[2].lstrip("\n")
    return f"""\
{header.rstrip()}
// Clocks of registers of {LEAST_BITS} bits and above pass cells {gate.cell},
// pins: enable {gate.enable}, clock {gate.clock}, gated clock {gate.gated}.

{modules}"""


def _script(gate: ClockGate) -> str:
    # The pass clockgate knows flops of one bit only; its Verilog would have a line for each bit.
    return f"""\
read_verilog head.v
proc
opt_dff -nosdff
opt_clean
techmap -map gates.v t:$dffe r:WIDTH>={LEAST_BITS} %i t:$adffe r:WIDTH>={LEAST_BITS} %i %u
opt_merge -share_all t:{gate.cell}
opt_clean -purge
write_verilog -noattr gated.v
"""


def _gate_map(gate: ClockGate) -> str:
    """How Yosys makes a register with an enable from a gate and a register without."""
    cell = (
        f"wire gated; {gate.cell} gate "
        f"(.{gate.enable}(EN == EN_POLARITY), .{gate.clock}(CLK), .{gate.gated}(gated));"
    )
    fails = "wire _TECHMAP_FAIL_ = !CLK_POLARITY;"
    return f"""\
(* techmap_celltype = "$dffe" *)
module gated_register (CLK, EN, D, Q);
  parameter WIDTH = 1;
  parameter CLK_POLARITY = 1;
  parameter EN_POLARITY = 1;
  input CLK, EN;
  input [WIDTH-1:0] D;
  output [WIDTH-1:0] Q;
  {fails}
  {cell}
  \\$dff #(.WIDTH(WIDTH), .CLK_POLARITY(1)) register (.CLK(gated), .D(D), .Q(Q));
endmodule
(* techmap_celltype = "$adffe" *)
module gated_register_with_reset (CLK, ARST, EN, D, Q);
  parameter WIDTH = 1;
  parameter CLK_POLARITY = 1;
  parameter EN_POLARITY = 1;
  parameter ARST_POLARITY = 1;
  parameter ARST_VALUE = 0;
  input CLK, ARST, EN;
  input [WIDTH-1:0] D;
  output [WIDTH-1:0] Q;
  {fails}
  {cell}
  \\$adff #(
    .WIDTH(WIDTH), .CLK_POLARITY(1), .ARST_POLARITY(ARST_POLARITY), .ARST_VALUE(ARST_VALUE)
  ) register (.CLK(gated), .ARST(ARST), .D(D), .Q(Q));
endmodule
"""
