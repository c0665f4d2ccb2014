"""Runs LibreLane's check of a configuration; a Python that has LibreLane runs this.

The PDK is a stand-in with nothing but the name of its cells: only what a design sets is checked. It
prints what LibreLane refuses, and exits with status 1 then.
"""

import sys
from pathlib import Path

from librelane.config import Config, InvalidConfig
from librelane.flows import Flow
from librelane.flows.flow import universal_flow_config_variables

CELLS = "STD_CELL_LIBRARY"
place = Path("sky130A/libs.tech/librelane")
(place / "sky130_fd_sc_hd").mkdir(parents=True)
(place / "config.tcl").write_text(f"set ::env({CELLS}) sky130_fd_sc_hd\n")
(place / "sky130_fd_sc_hd/config.tcl").write_text("")
flow = Flow.factory.get("Classic")
own = [*universal_flow_config_variables, *flow.config_vars]
own += [variable for each in flow.Steps for variable in each.config_vars]
checked = {variable.name: variable for variable in own if not variable.pdk}
checked |= {variable.name: variable for variable in own if variable.name == CELLS}
try:
    Config.load(sys.argv[1], list(checked.values()), pdk="sky130A", pdk_root=".")
except InvalidConfig as error:
    print("\n".join(error.errors))
    sys.exit(1)
