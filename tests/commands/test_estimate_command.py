"""``gaincell estimate`` as a user types it: tables, JSON, and how it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gaincell import cli
from gaincell.behavioral.tokens import random_tokens, shipped_tokens
from gaincell.config import PRESETS, HeadConfig
from gaincell.synth.estimate import digital
from gaincell.synth.metrics import read_metrics

TINY, GPT2 = PRESETS["tiny"], PRESETS["gpt2"]


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command by its name, and no metrics but a test's own."""
    monkeypatch.setattr(digital, "reference_metrics", lambda config: None)


def metrics_of(config: HeadConfig) -> dict[str, Any]:
    return {
        "config": config.fields_set(),
        "library": {"name": "Cells45", "corner": "typical", "voltage_v": 1.1, "node_nm": 45},
        "options": {},
        "area": {"cells_um2": 20000.0},
        "timing": {"tool": "OpenSTA", "slack_ns": 0.1, "fmax_mhz": 1100.0},
        "power": {"total_w": 0.0125},
        "energy_per_token_j": 4e-10,
    }


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    """metrics.json of the tiny head."""
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics_of(TINY)))
    return path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a refused command leaves."""
    assert cli.main(["estimate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("gaincell: ")


def test_gpt2_reads_the_shipped_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "metrics.json", tmp_path / "estimate.json"
    path.write_text(json.dumps(metrics_of(GPT2)))
    arguments = ["--config", "gpt2", "--metrics", str(path), "-o", str(output)]
    assert cli.main(["estimate", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "SmolLM2 reading a text (shipped)" in printed
    assert "12 layers x 12 heads" in printed
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert "digital control pJ 4000 140..204 0.051 estimated" in rows
    assert "digital control, power mW 113.7 4.375..6.375 0.0561 estimated" in rows
    latency = GPT2.latency_cycles
    assert f"latency ns 65 {latency} {latency / 65:.3g} simulated here" in rows
    assert [row for row in rows if row.startswith("head mm2 0.5 ") and row.endswith("own number")]

    stored = json.loads(output.read_text())
    assert stored["config"] == {}
    assert stored["activity"]["key"] == pytest.approx(shipped_tokens(GPT2).q_code.mean() / 15)
    assert 0 < stored["activity"]["value"] < 0.1
    assert stored["systems"]["12 heads"]["heads"] == 12
    ratios = {row["name"]: row["ratio"] for row in stored["paper"]}
    assert ratios["latency"] == pytest.approx(GPT2.latency_cycles / 65)
    assert ratios["token and head"] == pytest.approx(
        stored["systems"]["1 head"]["energy_j"]["high"] / 6.1e-9
    )


def test_other_codes_are_random_and_said_so(
    metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for seed in (0, 0, 1):
        arguments = ["--config", "tiny", "--metrics", str(metrics), "--seed", str(seed)]
        assert cli.main(["estimate", *arguments]) == 0
        printed.append(capsys.readouterr().out)
    assert "32 random tokens, seed 0, since the shipped codes are not" in printed[0]
    assert printed[0] == printed[1]
    assert printed[0] != printed[2]


def test_counts_the_pulses_of_the_input(metrics: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.npz", tmp_path / "estimate.json"
    tokens = random_tokens(5, TINY, np.random.default_rng(0))
    replace(tokens, q_code=np.full((5, 8), 6)).save(source)
    arguments = ["--config", "tiny", "--metrics", str(metrics), "--input", str(source)]
    assert cli.main(["estimate", *arguments, "-o", str(output)]) == 0
    activity = json.loads(output.read_text())["activity"]
    assert activity["key"] == pytest.approx(6 / 15)
    assert activity["source"] == str(source)


def test_a_netlist_without_power_has_no_energy(
    metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.write_text(json.dumps(metrics_of(TINY) | {"power": None, "energy_per_token_j": None}))
    assert cli.main(["estimate", "--config", "tiny", "--metrics", str(metrics)]) == 0
    printed = capsys.readouterr().out
    assert "no power in the metrics" in printed
    assert "token and head" not in printed
    assert "first dot product" in printed


def test_constants_of_the_config_lose_the_papers_mark(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "head.toml"
    config.write_text('preset = "tiny"\n[analog]\ndac_bit_pj = 0.5\n')
    assert cli.main(["estimate", "--config", str(config), "--metrics", str(metrics)]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.endswith("in the config's [analog]")]
    assert [row.split()[0] for row in rows] == ["DACs"]
    assert "not the paper's constants in [analog]: dac_bit_pj" in printed


def test_metrics_shipped_for_the_config_are_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = digital.Digital.of(read_metrics(metrics_of(TINY)))
    monkeypatch.setattr(digital, "reference_metrics", lambda config: shipped)
    assert cli.main(["estimate", "--config", "tiny"]) == 0
    printed = capsys.readouterr().out
    assert "Cells45, typical, 45 nm, 1.1 V\n" in printed
    assert "20000 um2 (measured here), 1100 MHz (OpenSTA), 12.5 mW, 400 pJ per token" in printed


def test_says_how_to_make_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(["--config", "tiny"], capsys) == (
        "no metrics are shipped for this config; make them with "
        "gaincell synth --config tiny -o run/ and give --metrics run/metrics.json"
    )


def test_refuses_metrics_of_another_config(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "estimate.json"
    said = refused(["--config", "gpt2", "--metrics", str(metrics), "-o", str(output)], capsys)
    assert said.startswith(f"{metrics}: metrics are of another config, with head_dim 8, not 64")
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metrics", "no.json"], "metrics no.json cannot be read: No such file or directory"),
        (["--seed", "-1"], "--seed is -1, but must be at least 0"),
        (["--input", "no.npz"], "input no.npz is not a file"),
        (["-o", "/nowhere/e.json"], "output /nowhere/e.json cannot be written: No such file"),
        (["--config", "gpt3"], 'config "gpt3" is neither a file nor a preset'),
    ],
)
def test_refuses_bad_options(
    arguments: list[str], sentence: str, metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["--config", "tiny", "--metrics", str(metrics), *arguments], capsys)
    assert said.startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"{", "is not valid JSON: "), (b"\xff", "is not valid JSON: "), (b"[]", "it is no object")],
)
def test_refuses_a_file_that_is_no_metrics(
    content: bytes,
    sentence: str,
    metrics: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics.write_bytes(content)
    output = tmp_path / "estimate.json"
    arguments = ["--config", "tiny", "--metrics", str(metrics), "-o", str(output)]
    said = refused(arguments, capsys)
    assert said.startswith(f"metrics {metrics}")
    assert sentence in said
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_refuses_a_folder_as_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["--config", "tiny", "--metrics", str(tmp_path)], capsys)
    assert said == f"metrics {tmp_path} cannot be read: Is a directory"


def test_an_unknown_node_is_not_scaled_and_said(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = metrics_of(TINY)
    table["library"]["node_nm"] = None
    table["cautions"] = ["leakage power is too low, as the library has no leakage for any cell"]
    metrics.write_text(json.dumps(table))
    output = tmp_path / "estimate.json"
    command = ["estimate", "--config", "tiny", "--metrics", str(metrics), "-o", str(output)]
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    assert "Cells45, typical, unknown node, 1.1 V\n" in printed
    assert "  digital control, unscaled  20000 um2\n" in printed
    assert "  digital control, unscaled  400 pJ\n" in printed
    assert "Note: the library's node is not known: area, delay and energy of the digital" in printed
    assert "give --node-nm to scale them." in printed
    assert "Note: leakage power is too low, as the library has no leakage for any cell." in printed
    assert "clock at 28 nm" not in printed
    stored = json.loads(output.read_text())
    assert stored["digital"]["node_nm"] is None
    assert stored["scaling"] == []
    assert stored["area_um2"]["digital control"] == {"low": 20000.0, "high": 20000.0}

    metrics.write_text(json.dumps(metrics_of(TINY)))
    assert cli.main(command) == 0
    told = json.loads(output.read_text())
    table["library"]["node_nm"], table["cautions"] = None, None
    metrics.write_text(json.dumps(table))
    assert cli.main([*command, "--node-nm", "45"]) == 0
    assert json.loads(output.read_text()) == told


@pytest.mark.parametrize("node", ["0", "-45", "nan"])
def test_refuses_a_node_that_is_none(
    node: str, metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", "tiny", "--metrics", str(metrics), "--node-nm", node]
    assert refused(arguments, capsys) == f"--node-nm is {node}, but must be finite and above 0"


def test_a_node_without_metrics_has_no_library(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["--config", "tiny", "--node-nm", "45"], capsys)
    assert said == "--node-nm is of the library of --metrics, but there is no --metrics"
