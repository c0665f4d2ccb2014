"""The cache hands out a compiled simulation only where that simulation can run."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb_tools.config
import pytest

from gaincell.cocotb_tests.run import build as builds
from gaincell.cocotb_tests.run import simulators
from gaincell.cocotb_tests.run.build_cache import MAIN, MODEL
from gaincell.cocotb_tests.run.simulators import HEADERS, PRECOMPILED, VERILATOR
from gaincell.config import PRESETS

MAKEFILE = "include $(VERILATOR_ROOT)/include/verilated.mk\nlist: ; @$(VERILATOR_INCLUDER) one.cpp"

TINY = PRESETS["tiny"]


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The folders that have been compiled; no compiler runs."""
    folders: list[Any] = []
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path))
    monkeypatch.setattr(builds, "_compile", lambda folder, *_: folders.append(folder))
    return folders


def test_a_second_build_of_the_same_head_is_found(compiled: list[Any]) -> None:
    first = builds.build(TINY)
    assert builds.build(TINY) == first
    assert len(compiled) == 1


def test_the_main_program_is_compiled_anew_for_another_header(
    compiled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = iter(["one", "one", "other", "other"])
    compilations: list[bool] = []

    def compile_main(folder: Path, *_: Any) -> None:
        compilations.append((folder / MAIN).exists())
        (folder / MODEL).write_text(next(headers))
        (folder / MAIN).touch()

    monkeypatch.setattr(builds, "_compile", compile_main)
    for window in (16, 20, 24):
        builds.build(replace(TINY, window=window))
    assert compilations == [False, True, True, False]


def test_headers_are_precompiled_once_and_lie_in_no_build(
    tmp_path: Path, compiled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def compile_headers(folder: Path, *_: Any) -> None:
        found.append((folder / PRECOMPILED).exists())
        if not found[-1]:
            (folder / PRECOMPILED).write_text(f"of build {len(found)}")

    monkeypatch.setattr(builds, "_compile", compile_headers)
    folders = [builds.build(replace(TINY, window=window)).folder for window in (16, 20, 24)]
    assert found == [False, True, True]
    assert [file.read_text() for file in tmp_path.glob("headers-*")] == ["of build 1"]
    assert not any(path.is_symlink() for folder in folders for path in folder.iterdir())
    monkeypatch.setattr(simulators, "OPTIMIZATION", "-O1")
    builds.build(TINY)
    assert found[3:] == [False]
    assert len(list(tmp_path.glob("headers-*"))) == 2


def test_says_what_it_compiles_and_for_how_long(
    compiled: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    line = r"building the verilator simulation of head D=8 M=16 \(once per config\) \.\.\. "
    builds.build(TINY, progress=True)
    assert re.fullmatch(rf"{line}\d+ s\n", capsys.readouterr().err)
    builds.build(TINY, progress=True)
    builds.build(replace(TINY, window=20))
    assert capsys.readouterr().err == ""


def test_says_that_a_build_failed(
    compiled: list[Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise builds.BuildFailed("refused")

    monkeypatch.setattr(builds, "_compile", refuse)
    with pytest.raises(builds.BuildFailed):
        builds.build(TINY, progress=True)
    assert capsys.readouterr().err.endswith("... failed\n")


def test_another_environment_of_python_builds_its_own(
    compiled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = builds.build(TINY)
    monkeypatch.setattr(builds, "libs_dir", Path("/another/environment/cocotb/libs"))
    assert builds.build(TINY) != first
    assert len(compiled) == 2


@pytest.mark.cosim
@pytest.mark.usefixtures("short_runs")
def test_a_simulation_finds_cocotb_where_it_was_built() -> None:
    """Why the place belongs to the key: the program holds it."""
    built = builds.build(TINY)
    assert str(cocotb_tools.config.libs_dir).encode() in (built.folder / "tb").read_bytes()
    ran = subprocess.run([built.folder / "tb"], capture_output=True, text=True, check=False)
    assert "cannot open shared object" not in ran.stderr
    assert f"-include {HEADERS} " in (built.folder / "build.log").read_text()


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
