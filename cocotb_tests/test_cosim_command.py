"""``gaincell cosim`` from files to files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.attention import attend
from gaincell.behavioral.events import EVENT
from gaincell.behavioral.lively import lively_tokens
from gaincell.cli import main
from gaincell.cocotb_tests.conftest import needs_icarus, with_silent_dimension
from gaincell.cocotb_tests.run import build as builds
from gaincell.config import PRESETS

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

TINY = PRESETS["tiny"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.npz"
    lively_tokens(60, TINY, np.random.default_rng(7), first_share=0.1).save(path)
    return path


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_writes_outputs_latencies_and_events(
    transport: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.npz"
    command = ["cosim", "--config", "tiny", "--input", str(source), "--output", str(output)]
    assert main([*command, "--transport", transport]) == 0
    assert "mismatches        0 of 480 outputs" in capsys.readouterr().out
    with np.load(source) as tokens, np.load(output) as results:
        expected = attend(tokens["q"], tokens["k"], tokens["v"], TINY, first=tokens["first"])
        assert (results["y"] == expected).all()
        assert set(results["latency_cycles"].tolist()) == {59, 70}
        assert results["events"].dtype == EVENT
        again = attend(
            tokens["q"], tokens["k"], tokens["v"], TINY, results["events"], first=tokens["first"]
        )
        assert (again == expected).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npz", "out.npz"]


def test_names_the_first_difference(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verilog = with_silent_dimension(TINY)
    monkeypatch.setattr(builds, "head_verilog", lambda config: verilog)
    assert main(["cosim", "--config", "tiny", "--input", str(source)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("gaincell: first difference at token ")
    assert "expected" in message
    assert "got" in message


@pytest.mark.parametrize(
    "suffix",
    [
        ".vcd",
        pytest.param(
            ".fst",
            marks=pytest.mark.needs("fst"),
        ),
    ],
)
def test_writes_a_waveform(suffix: str, tmp_path: Path) -> None:
    waves = tmp_path / f"out{suffix}"
    assert main(["cosim", "--config", "tiny", "--tokens", "3", "--waves", str(waves)]) == 0
    assert waves.stat().st_size > 1000


@needs_icarus
def test_writes_a_waveform_under_icarus(tmp_path: Path) -> None:
    waves = tmp_path / "out.fst"
    command = ["cosim", "--config", "tiny", "--tokens", "3", "--simulator", "icarus"]
    assert main([*command, "--waves", str(waves)]) == 0
    assert waves.stat().st_size > 1000


def test_names_the_package_of_a_missing_tool(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert main(["cosim", "--config", "tiny", "--tokens", "3"]) == 3
    message = capsys.readouterr().err
    assert "g++ is not installed, but building a simulation with Verilator needs it" in message
    assert "apt-get install g++" in message


HOSTILE = {
    "COCOTB_TEST_FILTER": "nothing",
    "COCOTB_TEST_MODULES": "nothing",
    "COCOTB_RESOLVE_X": "error",
    "GPI_USERS": "/nowhere.so",
    "PYGPI_PYTHON_BIN": "/nowhere/python",
    "SIM_CMD_PREFIX": "false",
    "WAVES": "1",
    "MAKEFLAGS": "--dry-run",
    "CXXFLAGS": "-Dgaincell_is_broken -include nowhere.h",
    "VERILATOR_ROOT": "/nowhere",
    "VERILATOR_BIN": "false",
    "IVERILOG_DUMPER": "none",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
}


@pytest.mark.parametrize("simulator", ["verilator", pytest.param("icarus", marks=needs_icarus)])
def test_neither_odd_paths_nor_variables_of_the_user_matter(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a b#c:d$HOME'e\"f%ü"
    odd.mkdir()
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GAINCELL_CACHE", str(odd / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    command = ["cosim", "--config", "tiny", "--tokens", "3", "--simulator", simulator]
    assert main([*command, "--output", str(odd / "out.npz")]) == 0
    assert sorted(path.name for path in odd.iterdir()) == ["cache", "out.npz"]


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none"])
def test_a_cache_that_cannot_be_is_named(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / place
    monkeypatch.setenv("GAINCELL_CACHE", str(folder))
    assert main(["cosim", "--config", "tiny", "--tokens", "3"]) == 3
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"gaincell: {folder}, the folder for compiled simulations, cannot be")
    assert said.endswith("; set GAINCELL_CACHE to a folder that can be written to")


def test_random_tokens_depend_on_the_seed_alone(tmp_path: Path) -> None:
    def outputs(seed: int) -> bytes:
        path = tmp_path / f"{seed}.npz"
        command = ["cosim", "--config", "tiny", "--tokens", "12", "--output", str(path)]
        assert main([*command, "--seed", str(seed)]) == 0
        with np.load(path) as results:
            return bytes(results["y"].tobytes())

    assert outputs(1) == outputs(1)
    assert outputs(1) != outputs(2)


def test_slow_grouped_queries_are_refreshed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "head.toml"
    config.write_text('preset = "tiny"\nretention_s = 25e-6\nage_mode = "time"\n')
    tokens = lively_tokens(20, TINY, np.random.default_rng(7))
    source, output = tmp_path / "in.npz", tmp_path / "out.npz"
    replace(tokens, q_code=np.stack([tokens.q_code] * 2, axis=1)).save(source)
    command = ["cosim", "--config", str(config), "--input", str(source), "--output", str(output)]
    assert main([*command, "--idle", "2000", "--memory-wait", "40"]) == 0
    printed = capsys.readouterr().out
    assert "20, 40 queries" in printed
    assert "0 of 320 outputs" in printed
    with np.load(output) as results:
        assert results["y"].shape == (20, 2, 8)
        assert results["latency_cycles"].shape == (20, 2)
        assert (results["y"][:, 0] != results["y"][:, 1]).mean() < 0.5
        assert (results["events"]["kind"] == "refresh").sum() > 20
