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
from gaincell.ml.models.beside.recent import sum_of_pulses
from gaincell.ml.start.by_layer.blocks import Heads


@dataclass(frozen=True)
class LayerStart:
    """One layer's maps from queries, keys and values to codes and back, and its projections.

    q_gain : (H, D, D), codes over the largest are x @ gain + offset
    k_gain, v_gain : (A, D, D), the same for each array: A is H, or with shared keys H_kv
    q_offset : (H, D); k_offset, v_offset : (A, D)
    y_gain, y_offset : (H, D), from read-out codes to a head's output
    rest_gain, rest_offset, ones : (H, D), (H,), (H,), as in ``HeadMaps``; zeros without recent
        tokens
    out_weight, out_bias : (C, H * D), (C,), from the heads' outputs to the stream
    first_weight, first_bias : (C, H * D), (C,), from values to the stream, for the first token
    down_weight, down_bias : (C, I), (C,) of the MLP; bias of zeros if it has none
    recent : newest tokens beside the arrays
    """

    q_gain: Tensor
    q_offset: Tensor
    k_gain: Tensor
    k_offset: Tensor
    v_gain: Tensor
    v_offset: Tensor
    y_gain: Tensor
    y_offset: Tensor
    rest_gain: Tensor
    rest_offset: Tensor
    ones: Tensor
    out_weight: Tensor
    out_bias: Tensor
    first_weight: Tensor
    first_bias: Tensor
    down_weight: Tensor
    down_bias: Tensor
    recent: int

    @property
    def arrays(self) -> int:
        return len(self.k_gain)

    def codes(self, heads: Heads, config: HeadConfig, backward: str = "surrogate") -> Tensor:
        """y (W, H, T, D) in read-out codes; 0 where the arrays store no token yet."""
        k, v, begin = heads.k, heads.v, None
        if self.recent:
            k, v, begin = heads.recent(self.recent).to_arrays()
            begin = begin.clamp(max=k.shape[2])
        keys, values = (x.repeat_interleave(self.arrays // x.shape[1], 1) for x in (k, v))
        return attention(
            heads.q @ self.q_gain + self.q_offset[:, None],
            keys @ self.k_gain + self.k_offset[:, None],
            values @ self.v_gain + self.v_offset[:, None],
            config,
            backward=backward,
            start=begin,
        )

    def outputs(self, heads: Heads, y: Tensor) -> Tensor:
        """The heads' outputs side by side (W, T, H * D), from their ``codes`` y."""
        seen, share, mean = self.beside(heads, y)
        return joined(
            seen + share[..., None] * (mean * self.y_gain[:, None] + self.y_offset[:, None])
        )

    def beside(self, heads: Heads, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What recent tokens give (W, H, T, D), the arrays' share (W, H, T), and y over its sum.

        Without recent tokens: nothing, all, and y itself.
        """
        if not self.recent:
            return torch.zeros_like(y), torch.ones_like(y[..., 0]), y
        total = sum_of_pulses(y, self.ones)
        rest = (heads.q * self.rest_gain[:, None]).sum(3) + self.rest_offset[:, None] + total.log()
        near = heads.recent(self.recent)
        return *near.softmax(heads.q, rest, heads.scale, heads.window), y / total[..., None]

    def attended(self, outputs: Tensor, v: Tensor) -> Tensor:
        """Attention's contribution to the stream (W, T, C), from ``outputs`` and values v."""
        added = outputs @ self.out_weight.t() + self.out_bias
        first = v[:, :, 0].repeat_interleave(len(self.q_gain) // v.shape[1], 1).flatten(1)
        added[:, 0] = first @ self.first_weight.t() + self.first_bias
        return added

    def down(self, hidden: Tensor) -> Tensor:
        """The MLP's contribution to the stream (W, T, C), from its last hidden layer (W, T, I)."""
        return hidden @ self.down_weight.t() + self.down_bias

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        names = [field.name for field in fields(self) if field.name != "recent"]
        with replacing(path) as unfinished:
            save_file({name: getattr(self, name).contiguous() for name in names}, unfinished)

    @classmethod
    def load(cls, path: Path, recent: int, device: torch.device | None = None) -> LayerStart:
        """From the file that ``save`` wrote; ``device`` is the CPU by default."""
        tensors = {name: each.to(device) for name, each in load_file(path).items()}
        return cls(**tensors, recent=recent)


def joined(y: Tensor) -> Tensor:
    """(W, T, H * D) of (W, H, T, D)."""
    return y.transpose(1, 2).flatten(2)


def block_diagonal(maps: Tensor) -> Tensor:
    """(H * D, H * D) of (H, D, D)."""
    whole: Tensor = torch.block_diag(*maps)  # type: ignore[no-untyped-call]
    return whole
