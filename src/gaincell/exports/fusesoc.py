"""What build tools take beside the Verilog: a FuseSoC core file and a file list."""

from gaincell import __version__


def fusesoc_core(module: str, verilog: str, constraints: str, headers: list[str]) -> str:
    """A core file of FuseSoC's CAPI2 for the top ``module``.

    Parameters
    ----------
    module : str
        The top, and the name of the core: ``gaincell::module``.
    verilog, constraints : str
        Names of the files beside it.
    headers : list of str
        Files for software, not for the hardware's tools.
    """
    software = "".join(f"      - {name}: {{file_type: user}}\n" for name in headers)
    return f"""\
CAPI=2:
name: gaincell::{module}:{__version__}
description: Digital control of gain-cell attention heads

filesets:
  rtl:
    files:
      - {verilog}
    file_type: verilogSource-2005
  constraints:
    files:
      - {constraints}
    file_type: SDC
{f"  software:{chr(10)}    files:{chr(10)}{software}" * bool(headers)}
targets:
  default: &default
    filesets: [rtl]
    toplevel: {module}
  syn:
    <<: *default
    filesets: [rtl, constraints]
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wno-lint]
"""


def file_list(verilog: str) -> str:
    """For ``-f`` of simulators and synthesis tools, from the folder of the file."""
    return f"{verilog}\n"
