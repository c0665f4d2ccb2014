"""Attention alone: the tests that need a GPU, ``gaincell bench-gpu``, and benchmarks/attention.py.

They run as programs of their own, as anybody else would run them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gaincell.files import replacing
from gaincell.gpu_bench.figures import as_json
from gaincell.gpu_bench.machine import machine_of
from gaincell.gpu_bench.records import Settings
from gaincell.gpu_bench.run import measured
from gaincell.gpu_run.places import Places

ROOT = Path(__file__).resolve().parents[4]
"""The top of the repository: tests and benchmarks are in no wheel."""
WORKERS = min(8, os.cpu_count() or 1)
"""Processes of the tests."""


def run_tests(places: Places) -> dict[str, Any]:
    """``pytest -m gpu`` on the files that have such tests: how many ran and were skipped.

    Only these files are collected: others need programs that a GPU's machine may lack.

    Raises
    ------
    RuntimeError
        A test failed, or a file could not be imported.
    """
    found = (path for path in (ROOT / "tests").rglob("test_*.py"))
    files = sorted(str(path) for path in found if "mark.gpu" in path.read_text(encoding="utf-8"))
    report = places.work / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    command += ["-W", "default"]  # Of other versions of packages than those that are pinned.
    if find_spec("xdist"):  # Most of the time kernels are compiled.
        command += ["-n", str(1 if places.plan.bench.tiny else WORKERS)]
    ended = subprocess.run([*command, f"--junitxml={report}", *files], cwd=ROOT, check=False)
    if not report.is_file():
        raise RuntimeError(f"pytest ended with status {ended.returncode} and wrote no report")
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    wrong = [
        case.attrib["name"]
        for case in suite
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if counts["errors"] or counts["failures"]:
        raise RuntimeError(f"of {counts['tests']} tests not all passed: {', '.join(wrong)}")
    return counts


def run_bench(places: Places) -> dict[str, Any]:
    """``gaincell bench-gpu`` with its default sizes: its JSON."""
    bench = places.plan.bench
    machine = machine_of(None)
    sizes: dict[str, Any] = {"heads": 2, "window": 16, "batches": (1,)} if bench.tiny else {}
    dtype = "float16" if machine.kind == "cuda" else "float32"
    found = measured(Settings(dtype=dtype, seconds=bench.seconds, **sizes), machine)
    return as_json(found)


def run_attention(places: Places) -> dict[str, Any]:
    """benchmarks/attention_gpu.py, or benchmarks/attention.py where there is no GPU."""
    results = places.work / "attention-results.json"
    with replacing(results) as unfinished:
        unfinished.write_text("[]\n", encoding="utf-8")
    on_gpu = machine_of(None).kind == "cuda"
    program = "attention_gpu.py" if on_gpu else "attention.py"
    command = [sys.executable, str(ROOT / "benchmarks" / program), "--results", str(results)]
    if places.plan.bench.tiny and not on_gpu:
        command += ["--tokens", "64", "--rounds", "1"]
    subprocess.run(command, cwd=ROOT, check=True)
    return {"rows": json.loads(results.read_text(encoding="utf-8"))}
