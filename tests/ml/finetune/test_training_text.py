"""benchmarks/models/training_text.py: windows of texts, of which a fifth repeat passages."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import VOCABULARY

from gaincell.ml.finetune.data.token_file import read_tokens

pytestmark = pytest.mark.usefixtures("quiet_transformers")

PATH = Path(__file__).parents[3] / "benchmarks" / "models" / "training_text.py"


@pytest.fixture
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmarks_training_text", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def texts():
    """Two texts of 40 and 20 windows, of other tokens each."""
    return {"a": torch.arange(41_000), "b": torch.arange(100_000, 121_000)}


@pytest.mark.parametrize(
    ("tokens", "most", "copies"),
    [(25_600, {"a": 13, "b": 7}, 5), (10**9, {"a": 40, "b": 20}, 15)],
)
def test_a_fifth_are_copies_and_texts_share_the_rest_by_their_size(
    benchmark, texts, tokens, most, copies
):
    assert benchmark.shares(texts, tokens) == (most, copies)


def test_windows_are_of_the_texts_or_full_of_copies(benchmark, texts):
    most, copies = benchmark.shares(texts, 25_600)
    windows = benchmark.training_windows(texts, most, tuple(texts), copies)
    assert windows.shape == (25, benchmark.WINDOW)
    whole = [row for row in windows if bool((row.diff() == 1).all())]
    assert len(whole) == 20
    assert len({int(row[0]) for row in whole}) == 20
    assert sum(int(row[0]) >= 100_000 for row in whole) == 7
    for row in windows:
        if not bool((row.diff() == 1).all()):
            assert len(row.unique()) < 0.9 * len(row)
    again = benchmark.training_windows(texts, most, tuple(texts), copies)
    assert torch.equal(windows, again)


def test_the_program_writes_a_token_file(benchmark, stock_folder, tmp_path, monkeypatch, capsys):
    text = " ".join(f"w{number % VOCABULARY}" for number in range(9000))
    (tmp_path / "text.txt").write_text(text)
    output = tmp_path / "learned.bin"
    words = ["--text", str(tmp_path / "text.txt"), "--model", str(stock_folder / "stock")]
    monkeypatch.setattr(sys, "argv", ["x", *words, "--tokens", "1e4", "-o", str(output)])
    benchmark.main()
    tokens, about = read_tokens(output)
    assert about.tokens == len(tokens) == 10 * benchmark.WINDOW
    assert "text: 8 windows of 9000 tokens" in capsys.readouterr().out
