"""How many windows of text the closed-form start is fitted on, if the user names no number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gaincell.ml.models.families import family_of

BUDGET_S = 600.0
"""Time that the fit should take, about."""
CORE_S_PER_WEIGHT = 1.4e-10
"""Of one token and one weight of a layer: SmolLM2, 30 layers of 3.5 million weights, 160 windows of
512 tokens, 10 minutes on two cores (docs/understand/starts.md)."""
ALIGNED = 0.6
"""Time of a token of the alignment, forward and backward, beside one of the fit."""
MEMORY_SHARE = 0.5
"""Part of the machine's memory that the streams of all windows may fill."""
NUMBERS_PER_TOKEN = 12
"""Numbers of the stream's width that one layer's fit keeps of each token, in float32."""
FEWEST, MOST = 24, 160
"""Fewer windows fit the covariances of a head badly; more gained SmolLM2 nothing in perplexity that
was worth the time (60: 62.1, 160: 58.5)."""


@dataclass(frozen=True)
class Machine:
    """What decides how much text a fit can take."""

    threads: int
    memory_bytes: int

    @classmethod
    def here(cls) -> Machine:
        """This machine: torch's threads and all of its memory, used or not."""
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return cls(torch.get_num_threads(), pages * page)


@dataclass(frozen=True)
class Calibration:
    """How many windows a start is fitted on, and what that takes, about.

    windows : how many
    fit_s, align_s : time of the fit and of the alignment, for each window; the alignment's is for
        one pass through it
    """

    windows: int
    fit_s: float
    align_s: float

    def seconds(self, windows: int, passes: float) -> float:
        """Time of a start on so many windows, aligned in so many passes through them."""
        return windows * (self.fit_s + passes * self.align_s)


def calibration_for(
    model: Any,
    layers: Sequence[int] | None,
    tokens: int,
    machine: Machine,
) -> Calibration:
    """Windows of ``tokens`` tokens that a start of ``layers`` (None: all) is fitted on.

    As many as the time budget of the fit and the memory allow, 24 to 160: the same on the same
    machine. The alignment takes its time besides.
    """
    blocks = family_of(model).layers_of(model)
    chosen = range(len(blocks)) if layers is None else layers
    weights = sum(parameter.numel() for layer in chosen for parameter in blocks[layer].parameters())
    token_s = CORE_S_PER_WEIGHT * weights / machine.threads
    window_bytes = 4 * NUMBERS_PER_TOKEN * tokens * int(model.config.hidden_size)
    by_time = int(BUDGET_S / (token_s * tokens))
    by_memory = int(MEMORY_SHARE * machine.memory_bytes / window_bytes)
    windows = max(FEWEST, min(by_time, by_memory, MOST))
    return Calibration(windows, token_s * tokens, ALIGNED * token_s * tokens)
