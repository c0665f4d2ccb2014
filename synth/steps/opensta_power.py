"""OpenSTA's number for the power of a netlist, with the same activity and without wires."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from gaincell.synth.library.cells import Library
from gaincell.synth.netlist import Netlist, Port
from gaincell.synth.saif import Activity
from gaincell.synth.steps.opensta import no_result, run_opensta
from gaincell.synth.steps.sdc import constraints

TOTAL = re.compile(r"^Total\s+([\d.e+-]+)\s+([\d.e+-]+)\s+([\d.e+-]+)\s+([\d.e+-]+)", re.MULTILINE)


@dataclass(frozen=True)
class CellPower:
    """Power of all cells but the clock gates, W, as OpenSTA reports it."""

    internal_w: float
    net_w: float
    leakage_w: float
    total_w: float


def opensta_power(
    program: str,
    netlist: Netlist,
    library: Library,
    activity: Activity,
    clock_ns: float,
    folder: Path,
) -> CellPower:
    """The power that OpenSTA reports for the netlist.

    OpenSTA takes a gated clock for one that always runs, and its net for a slow one without a
    buffer tree. So it gets the outputs of clock gates as input ports.
    """
    cut = _without_gates(netlist, library)
    (folder / "power.v").write_text(cut.verilog())
    (folder / "constraints.sdc").write_text(constraints(clock_ns))
    lines = ["read_liberty library.lib", "read_verilog power.v", f"link_design {netlist.name}"]
    lines.append("source constraints.sdc")
    for instance in cut.instances:
        cell = library.cells[instance.cell]
        for pin in cell.outputs:
            net = instance.pins.get(pin, "")
            if net in activity.high:
                rate = _activity(net, activity, clock_ns)
                lines.append(f"sta::set_power_pin_activity [get_pins {instance.name}/{pin}] {rate}")
    for port in cut.ports:
        if port.direction == "input" and port.name != "clk":
            lines += [
                f"sta::set_power_input_port_activity [get_ports {{{net}}}] "
                + _activity(net, activity, clock_ns)
                for net in port.nets
                if net in activity.high
            ]
    lines += ["report_power -digits 8", "exit", ""]
    printed, report = run_opensta(program, "\n".join(lines), folder, "power")
    total = TOTAL.search(printed)
    if total is None:
        raise no_result("power", report)
    return CellPower(*(float(total[place]) for place in (1, 2, 3, 4)))


def _activity(net: str, activity: Activity, clock_ns: float) -> str:
    per_clock = activity.changes_per_s[net] * clock_ns * 1e-9
    return f"{per_clock:.6g} {activity.high[net]:.6g}"


def _without_gates(netlist: Netlist, library: Library) -> Netlist:
    """``netlist`` without clock gates: input ports drive their nets."""
    ports, instances = list(netlist.ports), []
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
        if not cell.gate:
            instances.append(instance)
        else:
            gated = instance.pins[cell.roles["clock_gate_out_pin"]]
            ports.append(Port(gated, "input", (gated,)))
    return replace(netlist, ports=tuple(ports), instances=tuple(instances))
