"""A compiled simulation is found again only where it can run."""

import subprocess
from pathlib import Path
from typing import Any

import cocotb_tools.config
import pytest

from gaincell.cocotb_tests.run import build as builds
from gaincell.config import PRESETS

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


def test_another_environment_of_python_builds_its_own(
    compiled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = builds.build(TINY)
    monkeypatch.setattr(builds, "libs_dir", Path("/another/environment/cocotb/libs"))
    assert builds.build(TINY) != first
    assert len(compiled) == 2


def test_a_simulation_finds_cocotb_where_it_was_built() -> None:
    """Why the place belongs to the key: the program holds it."""
    built = builds.build(TINY)
    assert str(cocotb_tools.config.libs_dir).encode() in (built.folder / "tb").read_bytes()
    ran = subprocess.run([built.folder / "tb"], capture_output=True, text=True, check=False)
    assert "cannot open shared object" not in ran.stderr
