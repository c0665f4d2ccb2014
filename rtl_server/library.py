"""Compile the Verilog of a head to a shared library, or load the library of an earlier run."""

import ctypes
from importlib.metadata import version
from pathlib import Path

from gaincell.cache import cached
from gaincell.cocotb_tests.run.build import (
    LAYOUT,
    bench_parameters,
    bench_sources,
    compile_in,
)
from gaincell.cocotb_tests.run.build_cache import compiled_folder
from gaincell.cocotb_tests.run.progress import building
from gaincell.cocotb_tests.run.simulators import TOP, VERILATOR
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig

HARNESS = Path(__file__).with_name("harness.cpp")
LIBRARY = "heads.so"


def build_library(
    design: HeadConfig | CoreConfig, verilog: str | None = None, progress: bool = False
) -> Path:
    """Path of the shared library with the head, or core, of ``design`` and its test bench.

    It is compiled if the cache does not hold it.

    Parameters
    ----------
    verilog : str, optional
        Verilog of the head, by default generated; another text puts a changed head to the test.
    progress : bool
        Say on stderr what is compiled, and for how long.

    Raises
    ------
    MissingTool
        A compiler, or Verilator, is not installed.
    BuildFailed
        Verilator or the compiler failed.
    Unable
        The cache cannot be written to.
    """
    environment, levels = VERILATOR.environment(None), VERILATOR.levels(None)
    sources = bench_sources(design, verilog)
    arguments = VERILATOR.build_arguments(None)
    command = [
        *("verilator", "--cc", "--exe", "--build", "--prefix", "Vhead", "--top-module", TOP),
        *arguments,
        *("-CFLAGS", "-fPIC", "-LDFLAGS", "-shared", "-o", LIBRARY, "--Mdir", "."),
        *(f"-G{name}={value}" for name, value in bench_parameters(design).items()),
        HARNESS.name,
        *(name for name in sources if name != LAYOUT),
    ]
    sources[HARNESS.name] = HARNESS.read_text()
    folder = cached("library", command, levels, version("verilator"), sorted(sources.items()))
    if not folder.exists():
        runtime = cached("library-runtime", arguments, version("verilator"))
        with (
            building("the library of heads", design, progress),
            compiled_folder(folder, runtime, sources) as unfinished,
        ):
            changes = environment | levels
            compile_in(unfinished, command, changes, "verilator cannot build the heads' library")
    return folder / LIBRARY


def load_library(path: Path) -> ctypes.CDLL:
    """The library's functions with their types."""
    library = ctypes.CDLL(str(path))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    number = ctypes.POINTER(ctypes.c_int)
    for name, result, arguments in (
        ("create", pointer, []),
        ("destroy", None, [pointer]),
        ("signal", pointer, [pointer, text, text, number]),
        ("cycle", None, [pointer]),
        ("run", None, [pointer]),
    ):
        function = getattr(library, f"gaincell_{name}")
        function.restype, function.argtypes = result, arguments
    return library
