"""From a model's queries, keys and values to codes, and from read-out codes back: per head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gaincell.ml.attention import KINDS
from gaincell.ml.faults import FaultyArrays


@dataclass(frozen=True)
class Observation:
    """What one layer's attention saw and gave; units are codes over the largest code.

    queries, keys, values : as the model made them, (B, H, T, D), (B, H_kv, S, D) twice
    q, k, v : the same, scaled; y : (B, H, T, D) in read-out codes; all None for kind "softmax"
    output : (B, H, T, D) as the model goes on with it
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    output: Tensor
    q: Tensor | None = None
    k: Tensor | None = None
    v: Tensor | None = None
    y: Tensor | None = None


class HeadScalers(nn.Module):
    """Affine maps x * gain + offset before the arrays and after them, one pair for each head.

    Parameters
    ----------
    heads : H, query heads
    kv_heads : H_kv, key and value heads
    levels : n, read-out codes at saturation

    Attributes
    ----------
    q_gain, q_offset, y_gain, y_offset : (H,)
    k_gain, k_offset, v_gain, v_offset : (H_kv,)
    observer : called with what the layer's attention sees; None: nobody looks
    dtype : what the layer's attention computes in; None: the model's type
    faults, noise : the layer's arrays if they have faults, and the source of their noise

    The last four are of one run and are not saved.
    """

    q_gain: nn.Parameter
    k_gain: nn.Parameter
    v_gain: nn.Parameter
    y_gain: nn.Parameter
    y_offset: nn.Parameter

    def __init__(self, heads: int, kv_heads: int, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.observer: Callable[[Observation], None] | None = None
        self.dtype: torch.dtype | None = None
        self.faults: FaultyArrays | None = None
        self.noise: torch.Generator | None = None
        for name in SCALERS:
            count = kv_heads if name[0] in "kv" else heads
            self.register_parameter(name, nn.Parameter(torch.empty(count)))
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Values of standard deviation 1 fill the range to +-2; y is +-1 at saturation."""
        for name in "qkv":
            getattr(self, f"{name}_gain").fill_(0.25)
            getattr(self, f"{name}_offset").fill_(0.5)
        self.y_gain.fill_(1 / self.levels)
        self.y_offset.fill_(0.0)

    def units(self, x: Tensor, name: str) -> Tensor:
        """x (B, heads, T, D) as codes over the largest code; ``name`` is "q", "k" or "v"."""
        gain, offset = (self.get_parameter(f"{name}_{part}") for part in ("gain", "offset"))
        return x * gain[:, None, None].to(x) + offset[:, None, None].to(x)

    def output(self, y: Tensor) -> Tensor:
        """What the model goes on with, from read-out codes y (B, H, T, D)."""
        return y * self.y_gain[:, None, None].to(y) + self.y_offset[:, None, None].to(y)


SCALERS = tuple(f"{name}_{part}" for name in "qkvy" for part in ("gain", "offset"))
"""Names of the parameters of ``HeadScalers``."""

SUBMODULE = "gaincell_norm"
"""Where an attention layer keeps its scalers: Trainer decays no weights of a module named so."""

LAYER_KINDS = (*KINDS, "stock")
"""What a layer may compute: the kinds of ``attention``, or softmax over all earlier tokens."""
