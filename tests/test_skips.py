"""A run tells in one line what it skipped, and every skip goes through one table."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIPS = re.compile(r"\b(skip|skipif|importorskip)\(")
MADE = """
import pytest

@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("number", range(3))
def test_with_a_simulator(number):
    raise AssertionError("the test ran without its tool")

@pytest.mark.needs("git")
def test_in_a_checkout():
    pass

def test_with_a_file(shared_file):
    shared_file("no-such-file.npz")

def test_with_nothing():
    pass
"""


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="one process"),
        pytest.param(["-n", "2"], id="two workers", marks=pytest.mark.slow),
    ],
)
def test_one_line_names_what_was_skipped_and_the_package(tmp_path, workers):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_made.py").write_text(MADE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    command = [sys.executable, "-m", "pytest", "-q", *workers, str(tmp_path)]
    run = subprocess.run(
        command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^1 passed, 5 skipped", run.stdout, re.MULTILINE)
    lines = [line for line in run.stdout.splitlines() if line.startswith("skipped: ")]
    assert len(lines) == 1
    assert set(lines[0].removeprefix("skipped: ").split(", ")) == {
        "3 Icarus Verilog (apt-get install iverilog)",
        "1 a git checkout (git clone)",
        "1 ../shared data (not shipped)",
    }


def test_a_run_that_skips_nothing_has_no_such_line(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_made.py").write_text("def test_with_nothing():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0
    assert "skipped" not in run.stdout


def test_no_test_skips_without_the_table():
    files = [
        file
        for folder in ("tests", "cocotb_tests")
        for file in (ROOT / folder).rglob("*.py")
        if file != Path(__file__)
    ]
    assert len(files) > 100
    found = [file.name for file in files if SKIPS.search(file.read_text(encoding="utf-8"))]
    assert found == []
    assert SKIPS.search((ROOT / "conftest.py").read_text(encoding="utf-8"))
