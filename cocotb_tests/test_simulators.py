"""Which programs a build calls."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gaincell.cocotb_tests.run.simulators import VERILATOR

MAKEFILE = "include $(VERILATOR_ROOT)/include/verilated.mk\nlist: ; @$(VERILATOR_INCLUDER) one.cpp"


@pytest.fixture
def no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All programs but those named python."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(folder).glob("*"):
            if not program.name.startswith("python"):
                (programs / program.name).unlink(missing_ok=True)
                (programs / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))


@pytest.mark.usefixtures("no_python")
def test_verilator_builds_where_no_program_is_called_python(tmp_path: Path) -> None:
    changes = VERILATOR.environment(None) | VERILATOR.levels(None)
    (tmp_path / "Makefile").write_text(MAKEFILE + "\n")
    made = subprocess.run(
        ["make", "list"],
        cwd=tmp_path,
        env=os.environ | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert '#include "one.cpp"' in made.stdout
    assert changes["GAINCELL_PYTHON"] == sys.executable
