"""What a run so small needs that a CPU does all of it."""

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
from forks import Forks
from tiny_models import VOCABULARY

PLAN = """\
window = 32
paper_head = "head.toml"
difference_mb = 0.4

[bench]
seconds = 0.01
tiny = true

[start]
windows = 6
keep_mb = 0.4
align_tokens = 128
align_batch = 64
recent = 4
rounds = 1

[training]
which = ["distilled", "stock", "paper"]
teacher_weight = 0.9
tokens = 1024
seconds = 1e4
batch = 2
step_windows = 4
trial_steps = 3
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


def forked_gpu_run(forks: Forks, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same as a fork of one that has imported all; so are the parts that it runs."""
    with contextlib.chdir(cwd):
        fork = forks.start("gpu_run", *words)
    return subprocess.CompletedProcess(words, *fork.finish())
