"""A sweep of cheap points, and ways to run it."""

import os
import subprocess
import sys
from pathlib import Path

TEXT = """\
metrics = ["analog_energy", "code_error", "latency"]
config = "tiny"
[tokens]
count = {tokens}
[faults]
read_noise = 0.05
[grid]
columns = [4, 8, 16]
key_bits = [2, 3, 9]
score_saturation = {saturations}
"""
"""A third of its points have a wrong number of bits."""


def write_sweep(folder: Path, saturations: int = 2, tokens: int = 10) -> Path:
    """A sweep file with 9 points for each saturation."""
    path = folder / "sweep.toml"
    values = [float(5 + number) for number in range(saturations)]
    path.write_text(TEXT.format(tokens=tokens, saturations=values))
    return path


def start_command(folder: Path, *options: str, cache: Path) -> subprocess.Popen:
    """``gaincell sweep`` of the file in ``folder``, whose output goes to a log there."""
    command = [sys.executable, "-m", "gaincell", "sweep", str(folder / "sweep.toml"), *options]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GAINCELL_CACHE": str(cache)},
        )


def kept(cache: Path) -> int:
    """Results in a cache."""
    return len(list((cache / "sweep").glob("*.json")))
