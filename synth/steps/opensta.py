"""Run OpenSTA on a script in a folder that keeps script and report."""

import shutil
import subprocess
from pathlib import Path

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
    done = subprocess.run(
        [program, "-exit", f"{name}.tcl"], cwd=folder, capture_output=True, text=True, check=False
    )
    report = folder / f"{name}.rpt"
    report.write_text(done.stdout + done.stderr)
    return done.stdout, report
