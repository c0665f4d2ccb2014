"""benchmarks/models/layers.py with a small model: what it writes, and where it goes on."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import HEAD

from gaincell.data.layers import STARTS, table

pytestmark = pytest.mark.usefixtures("quiet_transformers")

PATH = Path(__file__).parents[3] / "benchmarks" / "models" / "layers.py"


@pytest.fixture
def benchmark(folder, monkeypatch):
    """The benchmark's module on ``folder``'s model, with windows of 20 tokens."""
    spec = importlib.util.spec_from_file_location("benchmarks_layers", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sizes = {"WINDOW": 20, "FITTED": 6, "RANGED": 2, "SCORED": 3, "RECENT": 4, "COUNTS": (1, 2)}
    for name, value in sizes.items() | {("MODEL", str(folder / "stock")), ("HEAD", HEAD)}:
        monkeypatch.setattr(module, name, value)
    return module


def run(benchmark, folder, monkeypatch, *more):
    texts = [str(folder / "text.txt")] * 2
    results, output = folder / "layers.json", folder / "layers.md"
    command = ["layers", "--results", str(results), "-o", str(output), *more, "--text", *texts]
    monkeypatch.setattr(sys, "argv", command)
    benchmark.main()
    found = json.loads(results.read_text())
    assert output.read_text() == table(found)
    return found


def test_windows_of_the_texts_take_turns(benchmark):
    texts = [torch.arange(begin, begin + 70) for begin in (0, 100)]
    assert benchmark.evenly(texts, 3)[:, 0].tolist() == [0, 100, 20]
    with pytest.raises(ValueError, match="4 windows of 20 tokens are asked for"):
        benchmark.evenly(texts, 8)


@pytest.mark.training
def test_it_goes_on_where_it_was(benchmark, folder, monkeypatch, capsys):
    alone = run(benchmark, folder, monkeypatch, "--no-curves")
    assert set(alone["alone"]) == {"0", "1", "2"}
    assert alone["curves"] == {}
    assert "| 2 | not run | not run | not run |" in (folder / "layers.md").read_text()
    score, scored = benchmark.Study.score, []

    def stopped(study, start, layers):
        if len(scored) == 4:
            raise KeyboardInterrupt
        scored.append((start, layers))
        return score(study, start, layers)

    monkeypatch.setattr(benchmark.Study, "score", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(benchmark, folder, monkeypatch)
    monkeypatch.setattr(benchmark.Study, "score", score)
    capsys.readouterr()
    whole = run(benchmark, folder, monkeypatch, "--picture", str(folder / "layers.svg"))
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert whole["alone"] == alone["alone"]
    assert set(whole["curves"]) == set(STARTS)
    assert all(set(curve) == {"1", "2"} for curve in whole["curves"].values())
    best = min(alone["alone"], key=lambda layer: alone["alone"][layer]["nats"])
    assert scored[0] == ("recent", [int(best)])
    assert [len(layers) for _, layers in scored] == [1, 1, 1, 2]
    assert (folder / "layers.svg").stat().st_size > 1000
