"""The setting of the authors' own measurement, kept to show what it measures."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.gpu_bench.records import AUTHORS_BATCH, Settings
from gaincell.gpu_bench.workload import Operation


def one_key(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """SDPA whose one query sees the first key only: a causal mask counts queries from slot 0."""
    return scaled_dot_product_attention(q, k, v, is_causal=True)


def no_softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Two products over all keys, and nothing between them."""
    return q @ k.transpose(-1, -2) @ v


OPERATIONS: dict[str, Operation] = {"sdpa, one key": one_key, "no softmax": no_softmax}
"""Both branches of the script (tests_divers/test_speed_energy.py)."""


class AuthorsStep:
    """A token-step as in the script: a ring of float32 keys and values (B, M, H, D), written first.

    The operation gets them transposed, not contiguous, so that a product copies them.
    """

    def __init__(self, operation: Operation, settings: Settings, device: torch.device) -> None:
        generator = torch.Generator(device).manual_seed(settings.seed)

        def uniform(tokens: int) -> Tensor:
            shape = (AUTHORS_BATCH, tokens, settings.heads, settings.head_dim)
            return torch.rand(shape, generator=generator, device=device)

        self.operation = operation
        self.q, self.new_k, self.new_v = (uniform(1) for _ in range(3))
        self.k, self.v = uniform(settings.window), uniform(settings.window)
        self.slot = 0

    @property
    def nbytes(self) -> int:
        return sum(x.nbytes for x in (self.q, self.new_k, self.new_v, self.k, self.v))

    def __call__(self) -> Tensor:
        """Outputs (B, H, 1, D) of the next token."""
        self.k[:, self.slot : self.slot + 1] = self.new_k
        self.v[:, self.slot : self.slot + 1] = self.new_v
        self.slot = (self.slot + 1) % self.k.shape[1]
        q, k, v = (x.transpose(1, 2) for x in (self.q, self.k, self.v))  # (B, H, T, D)
        return self.operation(q, k, v)


def repeated(step: Callable[[], Tensor]) -> Callable[[int], None]:
    """What does a number of steps, without waiting for any."""

    def run(rounds: int) -> None:
        for _ in range(rounds):
            step()

    return run
