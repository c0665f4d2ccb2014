"""Netlist step: Yosys and ABC map a head's or a core's Verilog to the cells of a library."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.refusals import Refused
from gaincell.synth.blocks import blocks_of
from gaincell.synth.library.cells import Library, full_adder
from gaincell.synth.library.roles import clock_gate, driver, flop
from gaincell.synth.metrics import Sizing, as_json
from gaincell.synth.netlist import Netlist, read_netlist
from gaincell.synth.netlist_change import write_changed
from gaincell.synth.sizing.size import size_netlist
from gaincell.synth.steps import step
from gaincell.synth.steps.yosys import YosysFailed, run_yosys

TOP = "gaincell_head"
READOUTS = f"{TOP}*_readout"
"""Modules of the readout: of a head, or of each group of a core."""
GROUP = f"{TOP}_group"
"""Module of a group of a core: mapped once, and then put in as often as there are groups."""
GATED_FLOPS = 4
"""Fewest flops with a common enable that are worth a clock gate."""
EFFORT = 0.7
"""Part of the clock period that ABC maps for: it sees neither clock uncertainty nor full adders."""
PIN_LOAD_CELLS = 4
"""Output ports drive as much as this many inputs of a flop."""

LIBRARY_FAULT = re.compile(r"Reading SCL library .* has failed|ERROR: .*(cell library|\.lib\b)")
"""Lines of the log of a run that failed because of the library."""


@dataclass(frozen=True, kw_only=True)
class MappingOptions:
    """Choices of the mapping.

    clock_gating : registers with an enable get gated clocks; else multiplexers before their flops
    clock_ns : clock period, ns
    sizing : cells get the size that their load wants, and nets get buffers
    """

    clock_gating: bool = True
    clock_ns: float = 1.0
    sizing: bool = False


@dataclass(frozen=True, kw_only=True)
class Inputs:
    verilog: str
    library: Library
    options: MappingOptions
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    """``block`` is the block of each instance of the netlist, by name."""

    netlist: Netlist
    sizing: Sizing | None
    block: Mapping[str, str]
    library_file: Path
    netlist_json: Path
    netlist_file: Path
    map_log: Path

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = {"cells": dict(sorted(self.netlist.counts.items()))}
        if self.sizing is not None:
            report["sizing"] = as_json(self.sizing)
        return report


def run(inputs: Inputs) -> Outputs:
    """Map the Verilog and write the netlist, as Yosys' JSON and as plain Verilog.

    Raises
    ------
    Refused, YosysFailed
        See ``map_head``.
    """
    folder = inputs.folder
    netlist_json = map_head(inputs.verilog, inputs.library, inputs.options, folder)
    netlist, sizing = read_netlist(netlist_json, TOP), None
    if inputs.options.sizing:
        mapped_file = netlist_json
        sized = size_netlist(netlist, inputs.library, inputs.options.clock_ns)
        netlist_json = folder / "sized.json"
        write_changed(mapped_file, netlist, sized.netlist, inputs.library, netlist_json)
        netlist, sizing = sized.netlist, sized.sizing
    netlist_file = folder / "netlist.v"
    netlist_file.write_text(netlist.verilog())
    return Outputs(
        netlist=netlist,
        sizing=sizing,
        block=blocks_of(netlist, inputs.library),
        library_file=folder / "library.lib",
        netlist_json=netlist_json,
        netlist_file=netlist_file,
        map_log=folder / "map.log",
    )


def map_head(verilog: str, library: Library, options: MappingOptions, folder: Path) -> Path:
    """Map ``verilog``; return the netlist as Yosys' JSON; scripts and logs stay in ``folder``.

    Raises
    ------
    Refused
        The library is at fault.
    YosysFailed
    """
    (folder / "head.v").write_text(verilog)
    (folder / "library.lib").write_text(library.text)
    (folder / "abc.constr").write_text(_constraints(library))
    (folder / "cells.v").write_text(_adder_map(library))
    try:
        script = _script(library, options, f"module {GROUP}(" in verilog)
        run_yosys(script, folder, "map")
    except YosysFailed as error:
        log = folder / "map.log"
        if LIBRARY_FAULT.search(log.read_text(errors="replace")):
            raise Refused(f"library {library.name} cannot be mapped to: {error}") from error
        raise
    return folder / "netlist.json"


def _script(library: Library, options: MappingOptions, has_groups: bool) -> str:
    adder = full_adder(library)
    commands = ["read_verilog head.v", f"hierarchy -check -top {TOP}"]
    if has_groups:
        commands.append(f"setattr -mod -set keep_hierarchy 1 {GROUP}")
    commands += [f"synth -nofsm -run begin:fine -top {TOP}", "opt -full"]
    if adder:
        # ABC does not map to cells with two outputs: this maps the readout's adders.
        commands += [
            f"techmap {READOUTS}",
            f"extract_fa -fa {READOUTS}",
            f"techmap -map cells.v {READOUTS}",
        ]
    commands += ["flatten", f"synth -run fine:check -noabc -top {TOP}"]
    gate = clock_gate(library)
    if options.clock_gating and gate is not None:
        pins = ":".join(gate.roles[f"clock_gate_{role}_pin"] for role in ("enable", "clock", "out"))
        commands += [
            "dfflegalize -cell $_DFF_P_ x -cell $_DFFE_PP_ x",
            "simplemap",
            "opt_clean",
            f"clockgate -pos {gate.name} {pins} -min_net_size {GATED_FLOPS}",
        ]
    commands += ["dfflegalize -cell $_DFF_P_ x", "simplemap", "opt_clean"]
    period_ps = round(1000 * EFFORT * options.clock_ns)
    commands += [
        "dfflibmap -liberty library.lib",
        "simplemap",
        f"abc -liberty library.lib -constr abc.constr -D {period_ps}",
        *([f"setattr -mod -unset keep_hierarchy {GROUP}", "flatten"] if has_groups else []),
        "read_liberty -lib -ignore_miss_func library.lib",
        "opt_clean -purge",
        "check -assert",
        "tee -o stat.txt stat -liberty library.lib",
        "write_json netlist.json",
    ]
    return "\n".join([*commands, ""])


def _constraints(library: Library) -> str:
    """The cell that drives inputs, and the load of outputs, for ABC; capacitance in fF."""
    sink = flop(library)
    data = sink.pins[sink.next_state.strip("() ")]
    load_ff = PIN_LOAD_CELLS * data.capacitance_f * 1e15
    return f"set_driving_cell {driver(library).name}\nset_load {load_ff:.3f} [all_outputs]\n"


def _adder_map(library: Library) -> str:
    """How Yosys' full adder becomes the library's."""
    adder = full_adder(library)
    if adder is None:
        return ""
    name, pins = adder
    connections = ", ".join(f".{pin}({role}[i])" for role, pin in pins.items())
    return f"""\
(* techmap_celltype = "$fa" *)
module full_adder (A, B, C, X, Y);
  parameter WIDTH = 1;
  input [WIDTH-1:0] A, B, C;
  output [WIDTH-1:0] X, Y;
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    {name} adder ({connections});
  end endgenerate
endmodule
"""
