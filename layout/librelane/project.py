"""Writes a LibreLane project: config.json, constraints, Verilog, and the arrays as a macro.

Keys of config.json: https://librelane.readthedocs.io/en/stable/reference/configuration.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.config import HeadConfig
from gaincell.layout.floorplan.arrays import ROW, SITE, SUPPLIES, ArraysPlan
from gaincell.layout.floorplan.draw import ARRAYS
from gaincell.layout.floorplan.flow import Arrays
from gaincell.layout.floorplan.ports import Port
from gaincell.layout.klayout import save
from gaincell.layout.librelane.lef import arrays_lef
from gaincell.layout.librelane.liberty import CONVERT, arrays_liberty
from gaincell.layout.librelane.verilog import blackbox, top
from gaincell.synth.library.cells import Library
from gaincell.synth.steps.sdc import constraints

TOP, CONFIG, SDC = "gaincell_head_with_arrays", "config.json", "constraints.sdc"
INSTANCE = "arrays"
MARGIN_ROWS, MARGIN_SITES = 4, 12
"""Edge of the die around rows and macro."""
HALO_UM = 10.0
"""Edge around a macro that LibreLane keeps free of cells, its FP_MACRO_*_HALO."""
FILL = 0.4
"""Part of the rows below the arrays that the control's cells take before there are buffers."""
LEAST_ROWS = 20
PROPAGATED = """\
if { [info exists ::env(OPENLANE_SDC_IDEAL_CLOCKS)] && $::env(OPENLANE_SDC_IDEAL_CLOCKS) } {
  unset_propagated_clock [all_clocks]
} else {
  set_propagated_clock [all_clocks]
}
"""
"""As in LibreLane's own constraints: before there is a clock tree, the clock is ideal."""
NOT_RUN = "the flow was not run here"
README = """\
A LibreLane project by gaincell {version}: a head's digital control, with its arrays as a macro.

{not_run}: whether it routes, meets timing, and passes DRC and LVS is not
known. To run it:

    librelane --pdk sky130A {config}

- {control}.v is the control as gaincell verilog writes it.
- {top}.v joins control and arrays.
- {arrays}.gds, .lef, .lib and .vh are the arrays. There are no wires between their parts:
  this macro does not compute anything yet.
  Drawn: sub-tiles of gain cells, {drawn}.
  Outlines on layer 236/0, as large as their estimates: {outlines}.
- {arrays}.lib assumes buffers at the arrays' border. It is of one corner, and stands for
  all: {library}.
- {sdc} has a clock of {clock_ns:g} ns. Pulses may come {late} cycles after {convert}.
"""


@dataclass(frozen=True)
class ProjectSize:
    """Die, rows and place of the arrays, nm."""

    width: int
    height: int
    arrays_x: int
    arrays_y: int

    @classmethod
    def of(cls, plan: ArraysPlan, control_um2: float) -> ProjectSize:
        """Rows for the control below the arrays; ``control_um2`` is the area of its cells."""
        side, edge = MARGIN_SITES * SITE, MARGIN_ROWS * ROW
        rows = max(LEAST_ROWS, -(-round(control_um2 * 1e6 / FILL / plan.width) // ROW))
        arrays_y = edge + rows * ROW + -(-round(HALO_UM * 1e3) // ROW) * ROW
        return cls(plan.width + 2 * side, arrays_y + plan.height + edge, side, arrays_y)


def write_project(
    folder: Path,
    *,
    config: HeadConfig,
    verilog: str,
    control: str,
    ports: Sequence[Port],
    arrays: Arrays,
    library: Library,
    clock_ns: float,
    control_um2: float,
    version: str,
) -> ProjectSize:
    """Write all files into ``folder``, which exists.

    Parameters
    ----------
    verilog, control : text of the control, and the name of its module
    control_um2 : area of its cells
    version : of gaincell

    Raises
    ------
    Refused
        The library has no buffer with tables of delays.
    """
    own = [port.other_side for port in ports if port.of_arrays]
    directions = {bit: port.direction for port in own for bit in port.bits}
    plan, size = arrays.plan, ProjectSize.of(arrays.plan, control_um2)
    liberty = arrays_liberty(ARRAYS, own, plan.width * plan.height / 1e6, config, library)
    files = {
        f"{control}.v": verilog,
        f"{TOP}.v": top(TOP, control, ARRAYS, ports),
        f"{ARRAYS}.vh": blackbox(ARRAYS, own),
        f"{ARRAYS}.lib": liberty,
        f"{ARRAYS}.lef": arrays_lef(ARRAYS, plan, directions),
        SDC: project_sdc(config, clock_ns),
        CONFIG: f"{json.dumps(settings(size, control, clock_ns), indent=2)}\n",
        "README.md": README.format(
            version=version,
            not_run=NOT_RUN.capitalize(),
            config=CONFIG,
            control=control,
            top=TOP,
            arrays=ARRAYS,
            library=library.label,
            sdc=SDC,
            drawn=", ".join(arrays.drawings.drawn) or "nothing else",
            outlines=", ".join(arrays.drawings.missing) or "nothing",
            clock_ns=clock_ns,
            late=config.late_cycles,
            convert=CONVERT,
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    save(arrays.layout, folder / f"{ARRAYS}.gds")
    return size


def project_sdc(config: HeadConfig, clock_ns: float) -> str:
    """Constraints of control and arrays.

    Pulses may come as late after their enable as the head's readout waits for them. When they end
    is not bound to the clock: the first flop behind a pulse samples it, and may be late by a cycle.
    """
    text = constraints(clock_ns)
    late = config.late_cycles
    if late:
        through = f"-through [get_pins {INSTANCE}/{CONVERT}*]"
        text += f"set_multicycle_path {late + 1} -setup {through}\n"
        text += f"set_multicycle_path {late} -hold {through}\n"
    return text + PROPAGATED


def settings(size: ProjectSize, control: str, clock_ns: float) -> dict[str, Any]:
    """Content of config.json."""
    side, edge = MARGIN_SITES * SITE, MARGIN_ROWS * ROW
    power, ground = SUPPLIES
    location = [size.arrays_x / 1e3, size.arrays_y / 1e3]
    return {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": TOP,
        "VERILOG_FILES": [f"dir::{control}.v", f"dir::{TOP}.v"],
        "CLOCK_PORT": "clk",
        "CLOCK_PERIOD": clock_ns,
        "PNR_SDC_FILE": f"dir::{SDC}",
        "SIGNOFF_SDC_FILE": f"dir::{SDC}",
        "FP_SIZING": "absolute",
        "DIE_AREA": [0, 0, size.width / 1e3, size.height / 1e3],
        "CORE_AREA": [
            side / 1e3,
            edge / 1e3,
            (size.width - side) / 1e3,
            (size.height - edge) / 1e3,
        ],
        "VDD_NETS": [power],
        "GND_NETS": [ground],
        "PDN_MACRO_CONNECTIONS": [f"{INSTANCE} {power} {ground} {power} {ground}"],
        "MACROS": {
            ARRAYS: {
                "gds": [f"dir::{ARRAYS}.gds"],
                "lef": [f"dir::{ARRAYS}.lef"],
                "vh": [f"dir::{ARRAYS}.vh"],
                "lib": {"*": [f"dir::{ARRAYS}.lib"]},
                "instances": {INSTANCE: {"location": location, "orientation": "N"}},
            }
        },
    }
