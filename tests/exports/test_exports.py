"""What other tools are given of a head, and what they make of it: the figures of the estimate."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gaincell.cli import main
from gaincell.exports import serving, zigzag
from gaincell.exports.figures import figures_of


@pytest.fixture(scope="module")
def estimate(tmp_path_factory):
    """What ``gaincell estimate`` says of the default head."""
    path = tmp_path_factory.mktemp("estimate") / "estimate.json"
    assert main(["estimate", "--config", "gpt2", "-o", str(path)]) == 0
    return json.loads(path.read_text())


def head_of(estimate):
    """High ends of one head: J per token, m2, and seconds between tokens."""
    system = estimate["systems"]["1 head"]
    area_m2 = system["area_mm2"]["high"] * 1e-6
    return system["energy_j"]["high"], area_m2, system["interval_s"]


def test_figures_are_those_of_the_estimate(estimate):
    figures = figures_of("gpt2")
    token_j, area_m2, interval_s = head_of(estimate)
    assert figures.token_j == pytest.approx(token_j, rel=1e-12)
    assert figures.area_m2 == pytest.approx(area_m2, rel=1e-12)
    assert figures.interval_s == interval_s
    dacs = estimate["energy_per_token_j"]["DACs"]["high"]
    assert figures.writes_j == pytest.approx(dacs, rel=1e-12)


def test_the_page_has_today_s_figures():
    page = (Path(__file__).parents[2] / "docs" / "do" / "exports.md").read_text(encoding="utf-8")
    figures = figures_of("gpt2")
    token_pj, chunk_s = figures.token_j * 1e12, figures.latency_s + 511 * figures.interval_s
    assert page.count(f"| {figures.area_m2 * 1e6:.2f} mm², {token_pj:.0f} pJ per token |") == 1
    assert f"| {token_pj:.0f} pJ, a token every {figures.interval_s * 1e9:.0f} ns |" in page
    assert f"| {token_pj:.0f} pJ |" in page
    assert f"# {figures.token_j:.4e} J, {figures.interval_s:.1e} s" in page
    assert f"# {token_pj:.1f}\n" in page
    assert f"{figures.latency_s * 1e9:.0f} ns for a decoded token, {chunk_s * 1e9:.0f}" in (
        page.replace("16 411", "16411")
    )


def test_heads_without_power_are_refused(tmp_path, capsys):
    arguments = ["export", "zigzag", "--config", "tiny", "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "no metrics are shipped for config tiny" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["export", "zigzag", "--config", "no.toml", "-o", str(tmp_path / "out")]) == 2
    with pytest.raises(SystemExit):
        main(["export", "gem5", "--config", "gpt2", "-o", str(tmp_path / "out")])


def test_times_of_a_batch_follow_latency_and_interval(tmp_path, estimate):
    assert main(["export", "llmservingsim", "--config", "gpt2", "-o", str(tmp_path)]) == 0
    with (tmp_path / "attention.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == serving.HEADS
    system = estimate["systems"]["1 head"]
    latency_us, interval_us = system["latency_s"] * 1e6, system["interval_s"] * 1e6
    places = {tuple(int(line[name]) for name in serving.HEADS[:4]) for line in lines}
    assert len(places) == len(lines)
    for line in lines:
        chunk = int(line["prefill_chunk"])
        expected = latency_us + max(0, chunk - 1) * interval_us
        assert float(line["time_us"]) == pytest.approx(expected, abs=1e-6)
    assert {"0", "2048"} <= {line["prefill_chunk"] for line in lines}
    assert (1, 0, 0, 0) in places
    assert ("0", "1", "16") in {(r["kv_prefill"], r["n_decode"], r["kv_decode"]) for r in lines}


LOOK_UP = """
from serving.core import trace_generator as simulator

profile = simulator._load_perf_db("gaincell", "model", "bf16", {1}, "llama")
for chunk, before, sequences, stored in BATCHES:
    print(simulator._lookup_attention(profile, 1, chunk, before, sequences, stored))
"""


@pytest.mark.needs("llmservingsim")
def test_llmservingsim_takes_the_times(tmp_path, estimate):
    """Its own loader and look-up, between rows of the table and beyond them, too."""
    variant = tmp_path / "profiler" / "perf" / "gaincell" / "model" / "bf16"
    variant.mkdir(parents=True)
    (variant / "meta.yaml").write_text("{}\n")
    out = ["-o", str(variant / "tp1")]
    assert main(["export", "llmservingsim", "--config", "gpt2", *out]) == 0
    here = tmp_path / "serving"  # it looks for profiles beside the folder that it runs in
    here.mkdir()
    batches = [(0, 0, 1, 1000), (0, 0, 37, 700), (8, 0, 0, 0), (512, 300, 5, 777), (3000, 0, 0, 0)]
    found = subprocess.run(
        [sys.executable, "-c", f"BATCHES = {batches}\n{LOOK_UP}"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": os.environ["LLMSERVINGSIM"]},
        check=True,
        capture_output=True,
        text=True,
    )
    system = estimate["systems"]["1 head"]
    expected_s = [
        system["latency_s"] + max(0, chunk - 1) * system["interval_s"] for chunk, *_ in batches
    ]
    times_s = [float(line) * 1e-9 for line in found.stdout.split()]
    assert times_s == pytest.approx(expected_s, rel=1e-6)


def test_costs_for_zigzag_add_up_to_a_token():
    figures = figures_of("gpt2")
    table = zigzag.accelerator(figures)
    columns, dims = table["operational_array"]["sizes"]
    cells_pj = 2 * columns * dims * table["operational_array"]["unit_energy"]
    writes_pj = 2 * dims * table["memories"]["cells"]["w_cost"]
    assert cells_pj + writes_pj == pytest.approx(figures.token_j * 1e12, rel=1e-12)


@pytest.mark.slow
@pytest.mark.needs("zigzag")
@pytest.mark.filterwarnings("default")
def test_zigzag_gives_the_energy_of_a_token(tmp_path, estimate):
    from zigzag.api import get_hardware_performance_zigzag

    assert main(["export", "zigzag", "--config", "gpt2", "-o", str(tmp_path)]) == 0
    files = (str(tmp_path / f"{name}.yaml") for name in ("workload", "accelerator", "mapping"))
    energy_pj, cycles, _ = get_hardware_performance_zigzag(
        *files, opt="energy", dump_folder=str(tmp_path / "out"), loma_show_progress_bar=False
    )
    tokens = figures_of("gpt2").config.stored_columns
    assert energy_pj / tokens == pytest.approx(head_of(estimate)[0] * 1e12, rel=1e-9)
    assert cycles >= 2 * tokens


@pytest.mark.slow
@pytest.mark.needs("accelforge")
@pytest.mark.filterwarnings("default")
def test_accelforge_gives_energy_and_time_of_a_token(tmp_path, estimate, monkeypatch):
    from accelforge.frontend.spec import Spec

    assert main(["export", "accelforge", "--config", "gpt2", "-o", str(tmp_path)]) == 0
    monkeypatch.chdir(tmp_path)  # it writes a picture of its mapping
    spec = Spec.from_yaml("arch.yaml", "workload.yaml")
    found = spec.map_workload_to_arch(print_progress=False)
    config = figures_of("gpt2").config
    token_j, _, interval_s = head_of(estimate)
    assert float(found.energy()) / config.stored_columns == pytest.approx(token_j, rel=1e-6)
    assert float(found.latency()) / config.stored_columns == pytest.approx(interval_s, rel=1e-6)
    parts = {name: float(each) for name, each in found.energy(per_component=True).items()}
    # Keys are written once for each token, and not read from anywhere else.
    per_token = estimate["energy_per_token_j"]
    writes_j = (parts["KeyDac"] + parts["ValueDac"]) / config.stored_columns
    assert writes_j == pytest.approx(per_token["DACs"]["high"], rel=1e-6)
    keys_j = parts["KeyCells"] / config.stored_columns
    assert keys_j == pytest.approx(per_token["first dot product"]["high"], rel=1e-6)


@pytest.mark.needs("accelforge")
@pytest.mark.filterwarnings("default")
def test_hwcomponents_finds_the_components_with_the_estimates_figures(estimate):
    import hwcomponents

    found = {
        model.__name__: model
        for model in hwcomponents.get_models()
        if model.__module__ == "hwcomponents_gaincell"
    }
    assert set(found) == {"GainCellArray", "PulseConverter", "WriteDac", "HeadControl"}
    keys, values = (found["GainCellArray"](operand=name) for name in ("key", "value"))
    dacs = [found["WriteDac"](operand=name) for name in ("key", "value")]
    converters = [found["PulseConverter"](stage=name) for name in ("score", "output")]
    control = found["HeadControl"]()
    token_j, area_m2, interval_s = head_of(estimate)
    area = sum(part.area for part in (keys, values, *dacs, *converters, control))
    assert area == pytest.approx(area_m2, rel=1e-9)
    dims = figures_of("gpt2").config.head_dim
    energy = keys.query().energy + values.query().energy + control.token().energy
    energy += dims * sum(dac.read().energy for dac in dacs)
    assert energy == pytest.approx(token_j, rel=1e-9)
    assert control.token().throughput == pytest.approx(1 / interval_s, rel=1e-9)
    with pytest.raises(ValueError, match="operand is 'query', but must be one of key, value"):
        found["GainCellArray"](operand="query")
