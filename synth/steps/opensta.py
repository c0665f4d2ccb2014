"""Run OpenSTA on a script in a folder that keeps script and report."""

import shutil
from pathlib import Path

from gaincell.system.processes import run

NAMES = ("sta", "opensta")
INSTALL = "install OpenSTA (Debian, Ubuntu: apt-get install opensta) for timing with flops"


def find_opensta() -> str | None:
    """The command that runs OpenSTA, if it is installed."""
    return next((name for name in NAMES if shutil.which(name)), None)


def run_opensta(program: str, script: str, folder: Path, name: str) -> tuple[str, Path]:
    """Run ``script`` with ``folder`` as the current one; return what it printed, and the report.

    ``name.tcl`` and ``name.rpt`` stay in the folder. OpenSTA's exit status does not tell a failure.
    """
    (folder / f"{name}.tcl").write_text(script)
    report = folder / f"{name}.rpt"
    run([program, "-exit", f"{name}.tcl"], folder, report)
    return report.read_text(encoding="utf-8", errors="replace"), report
