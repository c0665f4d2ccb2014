"""Perplexities of a model on the texts that nothing was fitted on, window by window."""

from __future__ import annotations

from typing import Any

import torch

from gaincell.gpu_run.places import Places
from gaincell.ml.evaluate.perplexity import losses_of
from gaincell.ml.finetune.data.token_file import read_tokens
from gaincell.ml.finetune.data.windows import first_windows

AT_ONCE = 8192
"""Tokens that pass a model together on a GPU."""
Scores = dict[str, dict[str, list[float]]]
"""Nats per token of each window, by text and by the windows' length."""


def scores_of(model: Any, places: Places) -> Scores:
    """Scores at half the plan's window, the window and twice the window.

    The windows of the three lengths begin with the same tokens of each text. A text too short for
    them has fewer windows.
    """
    plan, found = places.plan, Scores()
    for name, path in places.scored.items():
        tokens = read_tokens(path)[0]
        found[name] = {}
        for length in lengths(plan.window):
            count = min(plan.scores.windows, len(tokens) // length)
            windows = first_windows(tokens, length, count, f"text {name}")
            step = _at_once(length)
            few = (windows[begin : begin + step] for begin in range(0, count, step))
            means = [losses_of(model, each).mean(1) for each in few]
            found[name][str(length)] = torch.cat(means).tolist()
    return found


def _at_once(length: int) -> int:
    """Windows that pass a model together: one on a CPU."""
    return max(1, AT_ONCE // length) if torch.cuda.is_available() else 1


def lengths(window: int) -> tuple[int, int, int]:
    return window // 2, window, 2 * window


def device() -> torch.device:
    """The first GPU, or else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def peak_gb() -> float | None:
    """Most memory of the GPU since the last call, GB; None on a CPU."""
    if not torch.cuda.is_available():
        return None
    peak: int = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return peak / 1e9
