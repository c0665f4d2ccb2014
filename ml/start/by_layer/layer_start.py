"""The start of one layer: tensors that are kept in a file and then put into the model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.ml.attention import attention


@dataclass(frozen=True)
class LayerStart:
    """One layer's maps from queries, keys and values to codes, and its projections.

    q_gain, k_gain, v_gain : (H, D, D), codes over the largest are x @ gain + offset
    q_offset, k_offset, v_offset : (H, D)
    out_weight, out_bias : (C, H * D), (C,), from read-out codes to the stream
    first_weight, first_bias : (C, H * D), (C,), from values to the stream, for the first token
    down_weight, down_bias : (C, I), (C,) of the MLP; bias of zeros if it has none
    """

    q_gain: Tensor
    q_offset: Tensor
    k_gain: Tensor
    k_offset: Tensor
    v_gain: Tensor
    v_offset: Tensor
    out_weight: Tensor
    out_bias: Tensor
    first_weight: Tensor
    first_bias: Tensor
    down_weight: Tensor
    down_bias: Tensor

    def codes(
        self, q: Tensor, k: Tensor, v: Tensor, config: HeadConfig, backward: str = "surrogate"
    ) -> Tensor:
        """y (W, H, T, D) in read-out codes, of q (W, H, T, D), k and v (W, H_kv, T, D)."""
        group = q.shape[1] // k.shape[1]
        keys, values = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        return attention(
            q @ self.q_gain + self.q_offset[:, None],
            keys @ self.k_gain + self.k_offset[:, None],
            values @ self.v_gain + self.v_offset[:, None],
            config,
            backward=backward,
        )

    def attended(self, y: Tensor, v: Tensor) -> Tensor:
        """Attention's contribution to the stream (W, T, C), from y (W, T, H * D) and values v."""
        output = y @ self.out_weight.t() + self.out_bias
        first = v[:, :, 0].repeat_interleave(len(self.v_gain) // v.shape[1], 1).flatten(1)
        output[:, 0] = first @ self.first_weight.t() + self.first_bias
        return output

    def down(self, hidden: Tensor) -> Tensor:
        """The MLP's contribution to the stream (W, T, C), from its last hidden layer (W, T, I)."""
        return hidden @ self.down_weight.t() + self.down_bias

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        tensors = {field.name: getattr(self, field.name).contiguous() for field in fields(self)}
        with replacing(path) as unfinished:
            save_file(tensors, unfinished)

    @classmethod
    def load(cls, path: Path) -> LayerStart:
        return cls(**load_file(path))


def joined(y: Tensor) -> Tensor:
    """(W, T, H * D) of (W, H, T, D)."""
    return y.transpose(1, 2).flatten(2)


def block_diagonal(maps: Tensor) -> Tensor:
    """(H * D, H * D) of (H, D, D)."""
    whole: Tensor = torch.block_diag(*maps)  # type: ignore[no-untyped-call]
    return whole
