"""Attention of one new token over a full window, on more copies than a cache holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.gpu_bench.records import Settings
from gaincell.refusals import Failed

Operation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Outputs (B, H, 1, D) of queries (B, H, 1, D), keys and values (B, H, M, D)."""

TOLERANCES = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 2e-2}
"""Of the distance between two results over the length of one."""
MOST_COPIES = 512
"""Most copies: a CUDA graph holds one token-step for each of them, and must stay small."""


def sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The kernel that torch chooses. No mask: the newest token sees all keys of the window."""
    return scaled_dot_product_attention(q, k, v)


def matmul(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same as two products and a softmax."""
    scores: Tensor = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5  # (B, H, 1, M)
    return scores.softmax(-1) @ v


OPERATIONS: dict[str, Operation] = {"sdpa": sdpa, "matmul": matmul}


@dataclass(frozen=True)
class Copies:
    """Queries (C, B, H, 1, D), keys and values (C, B, H, M, D): C sets for C token-steps."""

    q: Tensor
    k: Tensor
    v: Tensor

    @classmethod
    def draw(cls, settings: Settings, batch: int, count: int, device: torch.device) -> Copies:
        """Normal numbers by the settings' seed."""
        generator = torch.Generator(device).manual_seed(settings.seed)

        def normal(rows: int) -> Tensor:
            return torch.randn(
                (count, batch, settings.heads, rows, settings.head_dim),
                generator=generator,
                device=device,
                dtype=getattr(torch, settings.dtype),
            )

        return cls(normal(1), normal(settings.window), normal(settings.window))

    def __len__(self) -> int:
        return self.q.shape[0]

    @property
    def sets(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """q, k and v of each token-step."""
        return list(zip(self.q.unbind(), self.k.unbind(), self.v.unbind(), strict=True))

    @property
    def nbytes(self) -> int:
        return self.q.nbytes + self.k.nbytes + self.v.nbytes


def bytes_of(settings: Settings, batch: int) -> int:
    """Of queries, keys and values of one token-step."""
    numbers = batch * settings.heads * settings.head_dim * (1 + 2 * settings.window)
    size: int = getattr(torch, settings.dtype).itemsize
    return numbers * size


def copies_for(wanted_bytes: int, one_bytes: int) -> int:
    """How many copies of ``one_bytes`` make ``wanted_bytes``; 1 to ``MOST_COPIES``."""
    return min(MOST_COPIES, max(1, math.ceil(wanted_bytes / one_bytes)))


def check_alike(found: Tensor, wanted: Tensor, what: str) -> None:
    """Compare two results of one token-step.

    Raises
    ------
    Failed
        They are further apart than their dtype explains.
    """
    distance = (found.double() - wanted.double()).norm() / wanted.double().norm()
    most = TOLERANCES[wanted.dtype]
    if not distance <= most:
        raise Failed(
            f"{what} differ by {distance:.2g} of their length, but at most {most:g} is rounding in "
            f"{str(wanted.dtype).removeprefix('torch.')}: nothing was timed"
        )
