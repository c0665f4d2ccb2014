"""Perplexity of a language model on a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


@dataclass(frozen=True)
class Score:
    """Sum of negative log-likelihoods, nats, over so many predicted tokens."""

    nats: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """exp of the mean; infinite if that overflows."""
        mean = self.nats / self.tokens
        return math.exp(mean) if mean < 700 else math.inf


def windows_of(
    input_ids: Tensor, length: int, count: int | None = None, name: str = "the text"
) -> Tensor:
    """A text's tokens (T,) cut in windows (W, length); a rest at the end is dropped.

    ``name`` is the text's, for messages.

    Raises
    ------
    ValueError
        The length is below 2, the count is below 1, or the text has fewer tokens.
    """
    if length < 2:
        raise ValueError(f"the window has {length} tokens, but needs at least 2")
    available = len(input_ids) // length
    count = available if count is None else count
    if not available:
        raise ValueError(
            f"{name} has {len(input_ids)} tokens, but a window needs {length}: give more text, "
            "or a shorter window"
        )
    if count < 1 or count > available:
        raise ValueError(
            f"{count} windows of {length} tokens are asked for, but the {len(input_ids)} tokens of "
            f"{name} make {available}"
        )
    return input_ids[: count * length].view(count, length)


def in_turn(texts: Sequence[Tensor], count: int) -> Tensor:
    """The first ``count`` windows (count, T) of several texts (W, T), a window of each in turn.

    A text that is at its end leaves the others to go on.

    Raises
    ------
    ValueError
        The texts have fewer windows.
    """
    turns = max(map(len, texts))
    rows = [text[turn] for turn in range(turns) for text in texts if turn < len(text)]
    if count > len(rows):
        raise ValueError(f"{count} windows are asked for, but the texts make {len(rows)}")
    return torch.stack(rows[:count])


@torch.no_grad()
def perplexity(model: Any, windows: Iterable[Tensor]) -> Score:
    """Score of a model in evaluation mode on windows (T,), each read on its own.

    The first token of a window is given, the others are predicted.
    """
    nats, tokens = 0.0, 0
    for window in windows:
        nats += float(losses_of(model, window).sum())
        tokens += len(window) - 1
    return Score(nats, tokens)


@torch.no_grad()
def losses_of(model: Any, windows: Tensor) -> Tensor:
    """Negative log-likelihood (…, T - 1) of each token of windows (…, T) after the first, nats.

    Several windows pass the model together.
    """
    ids = windows.to(model.device).reshape(-1, windows.shape[-1])
    logits = model(ids, use_cache=False).logits[:, :-1]
    # One after the other: float64 logits of many windows are large.
    losses = [
        cross_entropy(each.double(), own[1:], reduction="none")
        for each, own in zip(logits, ids, strict=True)
    ]
    return torch.stack(losses).view(*windows.shape[:-1], -1)
