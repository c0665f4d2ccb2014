"""Text from a converted model token by token, and how well it predicted that text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gaincell.ml.evaluate.limits import check_length
from gaincell.ml.models.cache import HardwareCache


@dataclass(frozen=True)
class Generated:
    """A prompt and what a model made of it.

    ids : (T,), the prompt's tokens first
    prompt : tokens of the prompt
    nats : negative log-likelihood of all tokens after the first, by the model that went along
    seconds : for all of it
    """

    ids: Tensor
    prompt: int
    nats: float
    seconds: float

    @property
    def perplexity(self) -> float:
        return math.exp(self.nats / max(1, len(self.ids) - 1))

    @property
    def tokens_per_s(self) -> float:
        return len(self.ids) / self.seconds


@torch.no_grad()
def generate(
    model: Any,
    prompt: Tensor,
    tokens: int,
    *,
    cache: HardwareCache | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    told: Callable[[int], None] = lambda _: None,
) -> Generated:
    """Up to ``tokens`` tokens after ``prompt`` (T,); fewer if the model ends the text.

    Parameters
    ----------
    cache : empty, for a converted model; None: a new one
    temperature : 0 takes the likeliest token; above, tokens are drawn with ``seed``
    told : called with each new token

    Raises
    ------
    ValueError
        An empty prompt, or more positions than the model has.
    """
    if prompt.dim() != 1 or not len(prompt):
        raise ValueError(f"prompt has shape {tuple(prompt.shape)}, but must be (T,), T >= 1")
    wanted = f"the prompt has {len(prompt)} tokens and {tokens} more are wanted"
    check_length(model, len(prompt) + tokens, wanted)
    cache = cache or HardwareCache(model.config)
    ends = model.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}
    drawn = torch.Generator(model.device).manual_seed(seed)
    ids, nats, begun = prompt.to(model.device), 0.0, time.perf_counter()
    new = ids
    for left in range(tokens, -1, -1):
        logits = model(new[None], past_key_values=cache, use_cache=True).logits[0].float()
        chances = logits.log_softmax(-1)
        nats -= float(chances[:-1].gather(1, new[1:, None]).sum())
        if not left:
            break
        if temperature:
            scaled = (logits[-1] / temperature).softmax(-1)
            new = torch.multinomial(scaled, 1, generator=drawn)
        else:
            new = logits[-1].argmax()[None]
        nats -= float(chances[-1, new])
        ids = torch.cat([ids, new])
        told(int(new))
        if int(new) in ends or left == 1:
            break
    return Generated(ids.cpu(), len(prompt), nats, time.perf_counter() - begun)
