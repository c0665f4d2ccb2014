"""Random inputs for the torch op, and the op written down densely, as the contract reads."""

import numpy as np
import torch
from token_codes import random_codes
from torch import Tensor

from gaincell.behavioral.attention import attend_and_count_ties
from gaincell.config import HeadConfig

LEAKING = HeadConfig(
    head_dim=8,
    window=24,
    columns=8,
    score_saturation=6.0,
    output_saturation=3.0,
    retention_s=4e-6,
    refresh=False,
)
"""A small head that leaks: each order of its cell's response decays by itself."""


def code_tensors(config: HeadConfig, tokens: int, seed: int, heads: int = 1) -> list[Tensor]:
    """q, k, v codes (1, heads, tokens, D), int64."""
    each = [random_codes(config, tokens, seed + head) for head in range(heads)]
    return [
        torch.from_numpy(np.stack([codes[f"{name}_code"] for codes in each]))[None]
        for name in "qkv"
    ]


def truth(codes: list[Tensor], config: HeadConfig) -> tuple[Tensor, int]:
    """y codes of ``behavioral.attend`` for every head of every row, and near ties in all."""
    q, k, v = (each.numpy() for each in codes)
    y_code = np.zeros(q.shape, dtype=np.int64)
    ties = 0
    group = q.shape[1] // k.shape[1]
    for row, head in np.ndindex(*q.shape[:2]):
        own = (row, head // group)
        y_code[row, head], near = attend_and_count_ties(q[row, head], k[own], v[own], config)
        ties += near
    return torch.from_numpy(y_code), ties


def units(codes: list[Tensor], config: HeadConfig, dtype: torch.dtype) -> list[Tensor]:
    """Codes over the largest code, as the op takes them."""
    largest = (config.query_max, config.key_max, config.value_max)
    return [code.to(dtype) / most for code, most in zip(codes, largest, strict=True)]


def random_units(*shapes: tuple[int, ...], seed: int, dtype=torch.float64) -> list[Tensor]:
    """Leaves with gradients, 0..1, that lean to the upper end so that most columns score."""
    print(f"seed {seed}")
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.rand(shape, generator=generator, dtype=dtype).pow(0.6).requires_grad_()
        for shape in shapes
    ]


def dense(q: Tensor, k: Tensor, v: Tensor, config: HeadConfig, coefficients=None) -> dict:
    """One head (T, D) without rounding, slot by slot; the sub-tiles' charges and phi before clips.

    ``charge`` (T, tiles, D) and ``score`` (T, T) are relative to saturation; ``y`` in codes.
    """
    coefficients = coefficients or config.cell_coefficients
    tokens = len(q)
    position = torch.arange(tokens)
    age = (position[:, None] - position).clamp(min=0)
    remaining = (age.double() * (-config.token_s / config.retention_s)).exp()
    in_sink = position < config.sink
    seen = (age > 0) | torch.eye(tokens, dtype=torch.bool)
    seen &= in_sink | (age < config.window)

    def response(x: Tensor) -> Tensor:
        """(T, T, D): of each query, the charge of each token's cells."""
        aged = (config.full_scale_v * x - config.center_v) * remaining[:, :, None]
        return sum(a * aged**i for i, a in enumerate(coefficients))

    score = (response(k) * q[:, None]).sum(2) / config.s_sat
    phi = score.clamp(0, 1) * seen
    slot = torch.where(in_sink, config.window + position, position % config.window)
    tile = torch.nn.functional.one_hot(slot // config.columns, config.tiles).to(q)
    charge = torch.einsum("qt,qtd,tl->qld", phi, response(v), tile) / config.a_sat
    y = charge.clamp(-1, 1).sum(1) * config.readout_max
    return {"score": score, "seen": seen, "phi": phi, "charge": charge, "y": y, "tile": tile}
