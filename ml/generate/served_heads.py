"""Generation in which chosen heads are answered by somebody else, such as their Verilog."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, from_numpy

from gaincell.behavioral.codes import Codes
from gaincell.ml.attention.forward import compute_type
from gaincell.ml.attention.quantisers import codes_of
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.chosen_heads import arrays_of
from gaincell.ml.models.settings import Settings

Answer = Callable[[int, Sequence[int], Codes, Codes, Codes], Codes]
"""y codes (H, T, D) of a layer's heads, from their codes q, k, v (H, T, D) of the next T tokens."""


@dataclass
class Agreement:
    """Codes of served heads beside torch's codes for the same inputs.

    codes, different : how many
    total, largest : sum and maximum of their absolute differences
    first : where and what the first difference is; None: there is none
    head_tokens : tokens served, each counted once for each head
    seconds : for which the answers were waited for
    """

    codes: int = 0
    different: int = 0
    total: int = 0
    largest: int = 0
    first: str | None = None
    head_tokens: int = 0
    seconds: float = 0.0

    def add(
        self, layer: int, heads: Sequence[int], position: int, served: Codes, torch: Codes
    ) -> None:
        """Compare codes (H, T, D) of tokens from ``position`` on."""
        error = np.abs(served - torch)
        self.codes += error.size
        self.head_tokens += error.shape[0] * error.shape[1]
        self.different += int((error > 0).sum())
        self.total += int(error.sum())
        self.largest = max(self.largest, int(error.max(initial=0)))
        if self.first is None and error.any():
            token, head, dimension = np.argwhere(error.swapaxes(0, 1))[0]
            self.first = (
                f"layer {layer}, head {heads[head]}, token {position + token}, dimension "
                f"{dimension}: torch {torch[head, token, dimension]}, "
                f"served {served[head, token, dimension]}"
            )


class ServedCache(HardwareCache):
    """A ``HardwareCache`` whose model goes on with the answers of others for some heads.

    Torch computes these heads too, from the same codes; ``agreement`` compares.

    Parameters
    ----------
    config : of the model, whose served layers compute in float64: ``exact_attention``
    heads : query heads of each served layer
    answer : of whoever serves them

    One sequence at a time: its ``attend`` raises ValueError for a batch. Padding is not served.
    """

    def __init__(self, config: Any, heads: Mapping[int, Sequence[int]], answer: Answer) -> None:
        super().__init__(config)
        self.agreement = Agreement()
        self._heads, self._answer = heads, answer
        head = Settings.of(config).head
        self._largest = head.query_max, head.key_max, head.value_max

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, starts: Tensor | None) -> Tensor:
        y = super().attend(layer, q, k, v, starts)
        heads = self._heads.get(layer)
        if not heads:
            return y
        if len(q) > 1:
            raise ValueError("served heads hold one sequence: generate without a batch")
        tokens = q.shape[2]
        position = self.layers[layer].get_seq_length() - tokens
        begin = 0 if starts is None else max(0, int(starts) - position)
        if begin >= tokens:
            return y  # no token has come to the arrays yet
        q, k, v = (x[:, :, begin:] for x in (q, k, v))
        codes = [
            codes_of(arrays_of(heads, x, q.shape[1])[0].to(compute_type(x)), largest)
            .long()
            .cpu()
            .numpy()
            for x, largest in zip((q, k, v), self._largest, strict=True)
        ]
        begun = time.perf_counter()
        served = self._answer(layer, heads, codes[0], codes[1], codes[2])
        self.agreement.seconds += time.perf_counter() - begun
        computed = y[0, heads, begin:].round().long().cpu().numpy()
        self.agreement.add(layer, heads, position + begin, served, computed)
        y = y.clone()
        y[0, heads, begin:] = from_numpy(served).to(y)
        return y
