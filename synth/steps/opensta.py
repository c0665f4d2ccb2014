"""Run OpenSTA on a script in a folder that keeps script and report."""

import re
import shutil
from pathlib import Path

from gaincell.refusals import Refused, Unable
from gaincell.system.processes import run

NAMES = ("sta", "opensta")
INSTALL = "install OpenSTA (Debian, Ubuntu: apt-get install opensta) for timing with flops"
COMPLAINTS = (r"^.*\berror\b.*$", r"^.*\bwarning\b.*$")
"""Lines in which OpenSTA says what is wrong, the worse ones first."""


def find_opensta() -> str | None:
    """The command that runs OpenSTA, if it is installed."""
    return next((name for name in NAMES if shutil.which(name)), None)


def run_opensta(program: str, script: str, folder: Path, name: str) -> tuple[str, Path]:
    """Run ``script`` with ``folder`` as the current one; return what it printed, and the report.

    ``name.tcl`` and ``name.rpt`` stay in the folder. OpenSTA's exit status does not tell a failure.

    Raises
    ------
    Unable
        It crashed.
    """
    (folder / f"{name}.tcl").write_text(script)
    report = folder / f"{name}.rpt"
    status = run([program, "-exit", f"{name}.tcl"], folder, report)
    if status < 0:
        raise Unable(f"OpenSTA crashed with signal {-status}; see {report}")
    return report.read_text(errors="replace"), report


def no_result(what: str, report: Path) -> Refused | Unable:
    """The exception for a ``report`` that lacks ``what``; it quotes OpenSTA's own reason.

    It is Refused where OpenSTA complains about the library.
    """
    text = report.read_text(errors="replace")
    found = (re.search(each, text, re.MULTILINE | re.IGNORECASE) for each in COMPLAINTS)
    reason = next((match[0].strip() for match in found if match), "")
    said = f'it says "{reason}"' if reason else "it does not say why"
    kind = Refused if "library.lib" in reason else Unable
    return kind(f"OpenSTA reports no {what}: {said}; see {report}")
