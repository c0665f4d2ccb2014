"""From a config to a library that holds heads of its Verilog, kept for the next process."""

import ctypes
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from os import environ
from pathlib import Path

from gaincell.cocotb_tests.build import (
    BENCH_SOURCES,
    HERE,
    PUBLIC_VARIABLES,
    TOP,
    BuildFailed,
    bench_parameters,
    build_arguments,
)
from gaincell.cocotb_tests.build_cache import cached, keep_runtime, reuse_runtime, whole_folder
from gaincell.cocotb_tests.tools import simulator_environment
from gaincell.config import HeadConfig
from gaincell.hdl.verilog import head_verilog

HARNESS = Path(__file__).with_name("harness.cpp")
LIBRARY = "heads.so"


def build_library(config: HeadConfig, verilog: str | None = None) -> Path:
    """Compile the head of ``config`` with its test bench to a shared library, or find it compiled.

    Parameters
    ----------
    verilog : str, optional
        Verilog of the head, by default generated; another text puts a changed head to the test.

    Raises
    ------
    MissingTool
        A compiler, or Verilator, is not installed.
    BuildFailed
        Verilator or the compiler refused the sources.
    """
    environment = simulator_environment("verilator")
    sources = {name: (HERE / name).read_text() for name in BENCH_SOURCES}
    sources["head.v"] = head_verilog(config) if verilog is None else verilog
    sources["public.vlt"] = PUBLIC_VARIABLES
    command = [
        *("verilator", "--cc", "--exe", "--build", "--prefix", "Vhead", "--top-module", TOP),
        *build_arguments("verilator"),
        *("-CFLAGS", "-fPIC", "-LDFLAGS", "-shared", "-o", LIBRARY, "--Mdir", "."),
        *(f"-G{name}={value}" for name, value in bench_parameters(config, "fast").items()),
        HARNESS.name,
        *sources,
    ]
    sources[HARNESS.name] = HARNESS.read_text()
    folder = cached("library", command, version("verilator"), sorted(sources.items()))
    if not folder.exists():
        runtime = cached("library-runtime", build_arguments("verilator"), version("verilator"))
        with whole_folder(folder) as unfinished:
            for name, text in sources.items():
                (unfinished / name).write_text(text)
            reuse_runtime(runtime, unfinished)
            _compile(command, unfinished, environment)
            keep_runtime(unfinished, runtime)
    return folder / LIBRARY


def load_library(path: Path) -> ctypes.CDLL:
    """The library's functions with their types."""
    library = ctypes.CDLL(str(path))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    number = ctypes.POINTER(ctypes.c_int)
    for name, result, arguments in (
        ("create", pointer, []),
        ("destroy", None, [pointer]),
        ("signal", pointer, [pointer, text, text, number, number]),
        ("cycle", None, [pointer]),
        ("run", None, [pointer]),
    ):
        function = getattr(library, f"gaincell_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def _compile(command: list[str], folder: Path, changes: dict[str, str]) -> None:
    run = subprocess.run(
        command, cwd=folder, env=environ | changes, capture_output=True, text=True, check=False
    )
    log = folder / "build.log"
    log.write_text(run.stdout + run.stderr)
    if run.returncode:
        kept = Path(tempfile.mkstemp(prefix="gaincell-build-", suffix=".log")[1])
        shutil.copy(log, kept)
        raise BuildFailed(f"verilator cannot build the heads' library, see {kept}")
