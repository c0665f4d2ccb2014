"""A prepared folder for the run on a GPU, so small that a CPU does all of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import VOCABULARY, llama
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

PLAN = """\
window = 32
paper_head = "head.toml"
difference_mb = 0.4

[bench]
seconds = 0.01
tiny = true

[start]
windows = 6
align_tokens = 128
align_batch = 64
recent = 4
rounds = 1

[training]
tokens = 1024
seconds = 1e4
batch = 2
step_windows = 4
trial_steps = 2
bf16 = false
matmul_precision = "highest"
checkpoint_every = 3

[scores]
windows = 3
"""
HEAD = """\
head_dim = 16
window = 32
columns = 4
score_saturation = 5.0
output_saturation = 2.0
"""


def words(count: int, seed: int) -> str:
    drawn = np.random.default_rng(seed).integers(VOCABULARY, size=count)
    return " ".join(f"w{number}" for number in drawn)


def gpu_run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, as the script starts it."""
    command = [sys.executable, "-m", "gaincell.gpu_run", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A stock model, texts and a plan; not to be changed."""
    folder = tmp_path_factory.mktemp("material")
    llama(num_hidden_layers=2).float().save_pretrained(folder / "stock")
    plain = Tokenizer(WordLevel({f"w{n}": n for n in range(VOCABULARY)}, unk_token="w0"))
    plain.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=plain).save_pretrained(folder / "stock")
    (folder / "plan.toml").write_text(PLAN)
    (folder / "head.toml").write_text(HEAD)
    (folder / "text.txt").write_text(words(1500, 1))
    for number, name in enumerate(("prose", "code")):
        (folder / f"{name}.txt").write_text(words(300, 2 + number))
    return folder


@pytest.fixture(scope="session")
def pieces(material):
    """The folder's pieces, of at most 40 kB each."""
    ended = gpu_run(
        *("prepare", "--model", "stock", "--plan", "plan.toml", "--piece-mb", 0.04),
        *("--text", "text.txt", "--scored", "prose=prose.txt", "code=code.txt", "-o", "pieces"),
        cwd=material,
    )
    assert ended.returncode == 0, ended.stderr
    return material / "pieces"
