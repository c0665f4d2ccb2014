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

SCOPE = ("tb", "head")
"""The netlist in the test bench."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig | CoreConfig
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
        inputs.netlist, inputs.library, inputs.tokens, inputs.config, saif=saif
    )
    return Outputs(gate_level=simulated, saif=saif)


def gate_level_verilog(netlist: Netlist, library: Library) -> str:
    """Netlist and models of its cells: one text to simulate."""
    quiet = "/* verilator tracing_off */"
    return "\n".join([netlist.verilog(), quiet, cell_models(library, list(netlist.counts))])


def run_gate_level(
    netlist: Netlist,
    library: Library,
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
        verilog=gate_level_verilog(netlist, library),
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
