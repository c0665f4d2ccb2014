"""Activity step: the mapped netlist in co-simulation, in place of the RTL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.build import build
from gaincell.cocotb_tests.run.compare import compare
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.refusals import Failed
from gaincell.synth.library.cell_models import cell_models
from gaincell.synth.library.cells import Library
from gaincell.synth.metrics import GateLevel, as_json
from gaincell.synth.netlist import Netlist
from gaincell.synth.steps import step
from gaincell.synth.steps.mapping import MARKS

SCOPE = ("tb", "head")
"""The netlist in the test bench."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig | CoreConfig
    verilog: str
    netlist: Netlist
    library: Library
    tokens: Tokens
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    gate_level: GateLevel
    saif: Path

    def report(self) -> dict[str, Any]:
        return as_json(self.gate_level)


def run(inputs: Inputs) -> Outputs:
    """Simulate the netlist, and record the changes of every net in activity.saif.

    Raises
    ------
    Failed
        The netlist breaks a rule of the arrays, or an output differs.
    """
    saif = inputs.folder / "activity.saif"
    simulated = run_gate_level(
        inputs.netlist, inputs.library, inputs.verilog, inputs.tokens, inputs.config, saif=saif
    )
    return Outputs(gate_level=simulated, saif=saif)


def gate_level_verilog(netlist: Netlist, library: Library, rtl: str) -> str:
    """Netlist, models of its cells and, from ``rtl``, of a memory macro: one text to simulate."""
    cells = [name for name in netlist.counts if name in library.cells]
    macros = [_module(rtl, name) for name in netlist.counts if name not in library.cells]
    quiet = "/* verilator tracing_off */"
    return "\n".join([netlist.verilog(), quiet, cell_models(library, cells), *macros])


def run_gate_level(
    netlist: Netlist,
    library: Library,
    rtl: str,
    tokens: Tokens,
    config: HeadConfig | CoreConfig,
    *,
    saif: Path | None = None,
) -> GateLevel:
    """Send ``tokens`` through the netlist at full rate and compare with the contract.

    Parameters
    ----------
    saif : Path, optional
        Where the activity of all nets goes.

    Raises
    ------
    Failed
        The netlist breaks a rule of the arrays, or an output differs.
    """
    simulation = build(
        config,
        verilog=gate_level_verilog(netlist, library, rtl),
        waves=None if saif is None else "saif",
    )
    simulated = simulate(simulation, tokens, config, waves=saif)
    comparison = compare(tokens, simulated, config)
    if comparison.first_difference is not None:
        raise Failed(f"the netlist does not compute attention: {comparison.first_difference}")
    count = len(simulated.latency_cycles)
    return GateLevel(
        tokens=count,
        outputs=comparison.outputs,
        mismatches=comparison.mismatches,
        tokens_per_s=round(count / simulated.seconds),
    )


def _module(rtl: str, name: str) -> str:
    assert name == MARKS, name
    start = rtl.index(f"module {name}(")
    return rtl[start : rtl.index("endmodule", start)] + "endmodule\n"
