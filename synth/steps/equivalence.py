"""Equivalence step: Yosys proves that the mapped netlist does what the RTL does."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.refusals import Failed
from gaincell.synth.library.cell_models import cell_models
from gaincell.synth.library.cells import Cell, Library
from gaincell.synth.metrics import Equivalence, as_json
from gaincell.synth.sizing.families import is_buffer
from gaincell.synth.steps import step
from gaincell.synth.steps.mapping import TOP
from gaincell.synth.steps.yosys import YosysFailed, run_yosys

SCRIPT = f"""\
read_verilog head.v
hierarchy -check -top {TOP}
proc
flatten
memory -nomap
opt_clean
memory_map
opt -full
techmap
opt
dfflegalize -cell $_DFF_P_ x
clean -purge
rename {TOP} gold
design -stash gold
read_json view.json
read_verilog models.v
hierarchy -check -top {TOP}
flatten
techmap
opt_clean
dfflegalize -cell $_DFF_P_ x
opt -full
clean -purge
rename {TOP} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
equiv_make -blacklist internal.txt gold gate equiv
hierarchy -top equiv
opt_clean
equiv_simple
equiv_induct
equiv_status -assert
"""


class NotProved(Failed):
    """A point of the netlist could not be proved equal; the message quotes Yosys."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    verilog: str
    netlist_json: Path
    library: Library
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Outputs(step.Outputs):
    equivalence: Equivalence

    def report(self) -> dict[str, Any]:
        return as_json(self.equivalence)


def run(inputs: Inputs) -> Outputs:
    """Prove it, or raise NotProved."""
    points = prove_equivalent(inputs.netlist_json, inputs.verilog, inputs.library, inputs.folder)
    return Outputs(equivalence=Equivalence(points=points))


def prove_equivalent(netlist_json: Path, verilog: str, library: Library, folder: Path) -> int:
    """Prove register by register that netlist and RTL do the same; return the points compared.

    A clock gate counts as the enable of the flops behind it. The co-simulation of the netlist shows
    that the gate's latch makes this true.

    Raises
    ------
    NotProved
        A point could not be proved equal.
    YosysFailed
        Yosys could not try.
    """
    design = json.loads(netlist_json.read_text())
    module = design["modules"][TOP]
    _ungate(module, library)
    (folder / "view.json").write_text(json.dumps({"modules": {TOP: module}}))
    (folder / "head.v").write_text(verilog)
    (folder / "internal.txt").write_text("".join(f"{name}\n" for name in _internal(module)))
    used = {cell["type"] for cell in module["cells"].values()} & set(library.cells)
    (folder / "models.v").write_text(cell_models(library, used))
    try:
        log = run_yosys(SCRIPT, folder, "equivalence").read_text()
    except YosysFailed as error:
        if "unproven" in error.reason:
            raise NotProved(str(error)) from error
        raise
    counts = [line for line in log.splitlines() if "Found" in line and "$equiv cells" in line]
    return int(counts[-1].split()[1])


def _internal(module: dict[str, Any]) -> list[str]:
    """Names of wires that are neither registers nor ports: mapping may change their meaning."""
    kept = {bit for port in module["ports"].values() for bit in port["bits"]}
    kept |= {
        cell["connections"]["Q"][0]
        for cell in module["cells"].values()
        if cell["type"].startswith("$_DFF")
    }
    return [
        f"\\{name}" for name, net in module["netnames"].items() if not kept.issuperset(net["bits"])
    ]


def _ungate(module: dict[str, Any], library: Library) -> None:
    """Replace flops by Yosys' own, those behind a clock gate by flops with its enable."""
    cells = module["cells"]
    gates = {}
    for name, instance in list(cells.items()):
        cell = library.cells.get(instance["type"])
        if cell is not None and cell.gate:
            pins = instance["connections"]
            out, enable, clock = (
                pins[cell.roles[f"clock_gate_{role}_pin"]][0] for role in ("out", "enable", "clock")
            )
            gates[out] = (enable, clock)
            del cells[name]
    _through_buffers(gates, cells, library)
    for name, instance in list(cells.items()):
        cell = library.cells.get(instance["type"])
        if cell is not None and cell.next_state:
            cells.update(_plain_flop(name, instance, cell, gates))
            del cells[name]


def _through_buffers(
    gates: dict[Any, tuple[Any, Any]], cells: dict[str, Any], library: Library
) -> None:
    """Give what a gate drives through buffers, those of a clock tree, the same enable and clock."""
    driven: dict[Any, list[Any]] = {}
    for instance in cells.values():
        cell = library.cells.get(instance["type"])
        if cell is not None and is_buffer(cell):
            taken, given = (
                instance["connections"][pin][0] for pin in (cell.inputs[0], cell.outputs[0])
            )
            driven.setdefault(taken, []).append(given)
    open_nets = list(gates)
    while open_nets:
        net = open_nets.pop()
        for given in driven.get(net, ()):
            gates[given] = gates[net]
            open_nets.append(given)


def _plain_flop(
    name: str, instance: dict[str, Any], cell: Cell, gates: dict[Any, tuple[Any, Any]]
) -> dict[str, Any]:
    pins = instance["connections"]
    clock, data = (pins[text.strip("() ")][0] for text in (cell.clocked_on, cell.next_state))
    inverse = [
        pins[pin][0]
        for pin in cell.outputs
        if pin in pins and pins[pin] and cell.pins[pin].function.strip("() ") == cell.states[1]
    ]
    state = [
        pins[pin][0]
        for pin in cell.outputs
        if pin in pins and pins[pin] and cell.pins[pin].function.strip("() ") == cell.states[0]
    ]
    replaced: dict[str, Any] = {}
    source = state[0] if state else f"state of {name}"
    if not state:
        raise ValueError(f"flop {name} has no output that is its state")
    for place, net in enumerate(inverse):
        replaced[f"{name}_inverse_{place}"] = _cell("$_NOT_", {"A": source, "Y": net}, "Y")
    connections = {"C": clock, "D": data, "Q": source}
    kind = "$_DFF_P_"
    if clock in gates:
        connections["E"], connections["C"] = gates[clock]
        kind = "$_DFFE_PP_"
    replaced[f"{name}_state"] = _cell(kind, connections, "Q")
    return replaced


def _cell(kind: str, connections: dict[str, Any], output: str) -> dict[str, Any]:
    return {
        "hide_name": 0,
        "type": kind,
        "parameters": {},
        "attributes": {},
        "port_directions": {pin: "output" if pin == output else "input" for pin in connections},
        "connections": {pin: [net] for pin, net in connections.items()},
    }
