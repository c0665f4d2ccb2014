"""Small fine-tuning runs: models, texts and run files in a folder, and ways to run them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from tiny_models import HEAD, MODELS, VOCABULARY
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from gaincell.cli import main
from gaincell.commands.finetune import INTERRUPTED
from gaincell.config_file import config_to_toml

WINDOW = 32

TABLES = {
    "run": {"folder": "run", "checkpoint_every": 2, "evaluate_every": 3, "tensorboard": False},
    "model": {"name": "llama", "config": "head.toml", "fit_windows": 2},
    "data": {"text": "text.txt", "window": WINDOW, "tokens": 960},
    "training": {"batch": 2},
    "nonlinear": {"steps": 5, "learning_rate": 1e-3, "warmup": 1},
}
"""A short run; a test changes what it is about."""

PAPER = {
    "linear": {"steps": 5, "learning_rate": 1e-3},
    "adapt": {"windows": 2},
    "nonlinear": {"steps": 4, "learning_rate": 1e-3},
    "held_out": {"skip": 960, "windows": 3},
    "teacher": {"weight": 0.5, "temperature": 2.0},
    "faults": {"read_noise": 0.2, "gain_mismatch": 0.05, "seed": 3, "redraw": 3},
}
"""Both stages, and everything that draws random numbers."""


def tokenizer(words=VOCABULARY):
    """One that reads w0, w1 and so on."""
    plain = Tokenizer(WordLevel({f"w{each}": each for each in range(words)}, unk_token="w0"))
    plain.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=plain)


def make_folder(folder: Path) -> None:
    """Stock models gpt2/ and llama/, a text of 1200 words, and the head of the models."""
    for name, make in MODELS.items():
        make().float().save_pretrained(folder / name)
        tokenizer().save_pretrained(folder / name)
    # Each word follows from the one before, but for one in five: there is something to learn.
    rng = np.random.default_rng(1)
    drawn = [0]
    for _ in range(1199):
        drawn.append(int(rng.integers(VOCABULARY)) if rng.random() < 0.2 else drawn[-1] * 7 + 3)
        drawn[-1] %= VOCABULARY
    (folder / "text.txt").write_text(" ".join(f"w{each}" for each in drawn))
    (folder / "head.toml").write_text(config_to_toml(HEAD))


def write_run(changes=None, name="run.toml") -> None:
    """A run file in the present folder: ``TABLES`` with changes; None removes a key or table."""
    tables = {table: dict(keys) for table, keys in TABLES.items()}
    for table, keys in (changes or {}).items():
        if keys is None:
            tables.pop(table, None)
        else:
            tables.setdefault(table, {}).update(keys)
    lines = []
    for table, keys in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(each)}" for key, each in keys.items() if each is not None]
    Path(name).write_text("\n".join(lines) + "\n")


def finetune(changes=None) -> int:
    """Write the run file and run it here; its exit status."""
    write_run(changes)
    return main(["finetune", "run.toml"])


def metrics(folder="run"):
    return json.loads(Path(folder, "metrics.json").read_text())


def spawn(*command: str, **options):
    """A process of the command line's module with one thread; what it says as text."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def said(capsys):
    """The one sentence that was said."""
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("gaincell: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


def stopped(monkeypatch, changes=None, step=3) -> None:
    """Run here until a step, in which the run is told to stop."""
    from gaincell.ml.finetune.trainer import StageTrainer

    compute, calls = StageTrainer.compute_loss, []

    def look(self, *rest, **options):
        calls.append(1)
        if len(calls) == step:
            # As the handler of a signal does.
            self.interrupted = lambda: True
        return compute(self, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(StageTrainer, "compute_loss", look)
        assert finetune(changes) == INTERRUPTED


def left_unfinished(folder="run"):
    return list(Path(folder).rglob(".unfinished-*"))
