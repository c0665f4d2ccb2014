"""Verilog around the control: an empty module for the arrays, and a top that joins both."""

from __future__ import annotations

from collections.abc import Sequence

from gaincell.layout.floorplan.arrays import SUPPLIES
from gaincell.layout.floorplan.ports import Port

POWER = "USE_POWER_PINS"
"""Macro of the preprocessor that LibreLane defines for Verilog with supplies."""

SUPPLY_PORTS = [f"`ifdef {POWER}", *(f"  inout {supply}," for supply in SUPPLIES), "`endif"]
EMPTY = "UNDRIVEN", "UNUSEDSIGNAL"
"""Rules that a module without content breaks."""


def blackbox(name: str, ports: Sequence[Port]) -> str:
    """Module ``name`` of the arrays, with ports only."""
    lines = [f"/* verilator lint_off {rule} */" for rule in EMPTY]
    lines += ["(* blackbox *)", f"module {name} (", *SUPPLY_PORTS, _list(ports), ");", "endmodule"]
    lines += [f"/* verilator lint_on {rule} */" for rule in EMPTY]
    return "\n".join([*lines, ""])


def top(name: str, control: str, arrays: str, ports: Sequence[Port]) -> str:
    """Module ``name``: the ``control`` with its ``ports``, and the ``arrays`` behind it."""
    outer = [port for port in ports if not port.of_arrays]
    inner = [port for port in ports if port.of_arrays]
    lines = [f"module {name} (", *SUPPLY_PORTS, _list(outer), ");"]
    lines += [f"  wire {_range(port)}{port.name};" for port in inner]
    lines += _instance(control, "control", ports)
    lines += [*_instance(arrays, "arrays", inner, supplies=True), "endmodule", ""]
    return "\n".join(lines)


def _instance(
    module: str, name: str, ports: Sequence[Port], *, supplies: bool = False
) -> list[str]:
    lines = [f"  {module} {name} ("]
    if supplies:
        joined = (f"    .{supply}({supply})," for supply in SUPPLIES)
        lines += [f"`ifdef {POWER}", *joined, "`endif"]
    pins = [f"    .{port.name}({port.name})" for port in ports]
    return [*lines, ",\n".join(pins), "  );"]


def _list(ports: Sequence[Port]) -> str:
    return ",\n".join(f"  {port.direction} {_range(port)}{port.name}" for port in ports)


def _range(port: Port) -> str:
    return f"[{port.width - 1}:0] " if port.vector else ""
