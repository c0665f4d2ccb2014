"""Scalers of a layer: from queries, keys and values to codes, and from read-out codes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gaincell.config import HeadConfig
from gaincell.ml.attention import KINDS
from gaincell.ml.attention.exact import exact_product
from gaincell.ml.attention.faulty_arrays import FaultyArrays
from gaincell.ml.attention.forward import compute_type
from gaincell.ml.models.beside.recent import Recent, sum_of_pulses
from gaincell.ml.models.in_graph import text_of

T = TypeVar("T")


@dataclass(frozen=True)
class Observation:
    """Inputs and outputs of one layer's attention in one call.

    queries : (B, H, T, D); keys, values : (B, H_kv, S, D); before the scalers
    q, k, v : behind the scalers, in codes over the largest code, k and v for each of the layer's
        arrays; y : (B, H, T, D) in read-out codes; all None for kind "softmax"
    output : (B, H, T, D), y behind its scaler, or the output of softmax attention
    scale, reach : of the stock layer's softmax, its sliding window; known beside recent tokens
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    output: Tensor
    q: Tensor | None = None
    k: Tensor | None = None
    v: Tensor | None = None
    y: Tensor | None = None
    scale: float | None = None
    reach: int | None = None


class HeadScalers(nn.Module):
    """Affine maps x * gain + offset before the arrays and after them, one pair for each head.

    Parameters
    ----------
    heads : H, query heads
    kv_heads : H_kv, key and value heads
    levels : n, read-out codes at saturation
    first : (C, H * D), shape of ``first_weight``; None: the first token is like any other

    Attributes
    ----------
    q_gain, q_offset, y_gain, y_offset : (H,)
    k_gain, k_offset, v_gain, v_offset : (H_kv,)
    first_weight, first_bias : (C, H * D), (C,) or None
        The layer's output for the first token of a sequence, from its values: softmax attention of
        one token is that token's value, whatever the query.
    observer : called with an ``Observation`` at every call of the layer; None: not called
    dtype : type in which the layer's attention is computed; None: the model's type
    faults, noise : the layer's arrays if they have faults, and the generator of their noise
    first_tokens : where the first tokens are in the current pass, and the layer's output for them
    head, head_text : the head that the scalers lead to, and the same as ``text_of`` gives it
    recent : newest tokens that are attended to beside the arrays, as ``Recent`` says; 0: none
    shared : whether query heads that share keys and values in the model share arrays, too
    digital : query heads that attend beside the arrays alone
    kept : newest tokens whose keys and values stand beside the arrays: ``recent``, or with digital
        heads as many as others have there and in their arrays

    Those from ``observer`` to ``head_text`` belong to one run and are not saved.
    """

    y_gain: nn.Parameter
    y_offset: nn.Parameter
    out_bias: nn.Parameter | None
    first_weight: Tensor | None
    first_bias: Tensor | None
    rest_gain: nn.Parameter | None
    rest_offset: nn.Parameter | None
    ones: Tensor | None
    recent = 0
    shared = True
    digital: tuple[int, ...] = ()
    kept = 0

    def __init__(
        self, heads: int, kv_heads: int, levels: int, first: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.levels = heads, kv_heads, levels
        self.observer: Callable[[Observation], None] | None = None
        self.dtype: torch.dtype | None = None
        self.faults: FaultyArrays | None = None
        self.noise: torch.Generator | None = None
        self.first_tokens: tuple[Tensor, Tensor] | None = None
        self.head: HeadConfig | None = None
        self.head_text = ""
        for name in "qkvy":
            for part, shape in zip(PARTS, self._shapes(name), strict=True):
                self.register_parameter(f"{name}_{part}", nn.Parameter(torch.empty(shape)))
        width = self._bias_width()
        self.register_parameter(
            "out_bias", None if width is None else nn.Parameter(torch.empty(width))
        )
        for part, shape in zip(PARTS, self._rest_shapes(), strict=True):
            kept = nn.Parameter(torch.empty(shape)) if self.recent else None
            self.register_parameter(f"rest_{part}", kept)
        ones = torch.empty(heads, dtype=torch.int64) if self.recent else None
        self.register_buffer("ones", ones)
        self.register_buffer("first_weight", None if first is None else torch.empty(first))
        self.register_buffer("first_bias", None if first is None else torch.empty(first[0]))
        self.reset()

    @property
    def arrays(self) -> int:
        """Key and value arrays of the layer."""
        return self.kv_heads

    def forward(self, work: Callable[..., T], *args: Any) -> T:
        """``work(self, *args)``: tensors kept on disk or in shards come when a module is called."""
        return work(self, *args)

    def lead_to(self, head: HeadConfig) -> None:
        """Say whose codes these are; once for each conversion."""
        self.head, self.head_text = head, text_of(head)

    def pair(self, name: str) -> tuple[Tensor, Tensor]:
        """Gain and offset of scaler "q", "k", "v" or "y", as the module has them now.

        They need not be parameters: sharding, parametrizations and ``torch.func`` replace them.
        """
        gain, offset = (getattr(self, f"{name}_{part}") for part in PARTS)
        return gain, offset

    @torch.no_grad()
    def reset(self) -> None:
        """Set scalers that map -2..2 to the codes' range, and y at saturation to +-1."""
        for name in "qkv":
            gain, offset = self.pair(name)
            gain.fill_(0.25)
            offset.fill_(0.5)
        self.y_gain.fill_(1 / self.levels)
        self.y_offset.fill_(0.0)
        others = (self.out_bias, self.first_weight, self.first_bias)
        for tensor in (*others, self.rest_gain, self.rest_offset, self.ones):
            if tensor is not None:
                tensor.zero_()

    @torch.no_grad()
    def adjust(self, name: str, factor: Tensor, shift: Tensor) -> None:
        """gain * factor and offset + shift of scaler ``name``; both (heads,)."""
        gain, offset = self.pair(name)
        gain.mul_(factor.to(gain).view(-1, *[1] * (gain.dim() - 1)))
        offset.add_(shift.to(offset).view(-1, *[1] * (offset.dim() - 1)))

    def units(self, x: Tensor, name: str) -> Tensor:
        """x (B, heads, T, D) as codes over the largest code; ``name`` is "q", "k" or "v"."""
        gain, offset = self.pair(name)
        return x * gain[:, None, None].to(x) + offset[:, None, None].to(x)

    def output(self, y: Tensor) -> Tensor:
        """The output of attention (B, H, T, D), from read-out codes y of the same shape."""
        gain, offset = (x if x.dim() == 2 else x[:, None] for x in self.pair("y"))
        return y * gain[:, None].to(y) + offset[:, None].to(y)

    def _bias_width(self) -> int | None:
        """C if the layer's output gets a bias here."""
        return None

    def _shapes(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        heads = self.kv_heads if name in "kv" else self.heads
        return (heads,), (heads,)

    def _rest_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (self.heads,), (self.heads,)


class HeadMaps(HeadScalers):
    """As ``HeadScalers``, but with a matrix before the arrays and an offset for each dimension.

    Every query head maps the keys and values that it reads in its own way. So it has its own
    arrays: the layer has H of them, also if query heads of the model share keys and values. With
    ``shared`` those heads share maps of keys and values: the layer has H_kv arrays.

    Parameters
    ----------
    dims, width : D, C
    recent : newest tokens that are attended to beside the arrays; 0: none

    Attributes
    ----------
    q_gain : (H, D, D), x @ gain; k_gain, v_gain : (arrays, D, D)
    q_offset, y_gain, y_offset : (H, D); k_offset, v_offset : (arrays, D)
    rest_gain, rest_offset : (H, D), (H,) or None
        From a query to the log of what one code of the sum of pulses stands for: a sum of
        exp(logit) over tokens in the arrays.
    ones : (H,) int64 or None, the dimension of the values that gives way to ones
    out_bias : (C,), added to the result of the layer's output projection
    """

    def __init__(
        self,
        heads: int,
        kv_heads: int,
        levels: int,
        first: tuple[int, int] | None = None,
        *,
        dims: int,
        width: int,
        recent: int = 0,
        shared: bool = False,
    ) -> None:
        self.dims, self.width, self.recent, self.shared = dims, width, recent, shared
        super().__init__(heads, kv_heads, levels, first)

    @property
    def arrays(self) -> int:
        return self.kv_heads if self.shared else self.heads

    @torch.no_grad()
    def reset(self) -> None:
        super().reset()
        for name in "qkv":
            gain, _ = self.pair(name)
            gain.copy_(torch.eye(self.dims) * 0.25)

    def beside(
        self, near: Recent, queries: Tensor, y: Tensor, scale: float, reach: int | None
    ) -> Tensor:
        """Output (B, H, T, D) of the arrays, y, and of the recent tokens beside them together.

        Arguments as of ``Recent.softmax``; the rest follows from the sum of pulses in y.
        """
        assert self.rest_gain is not None
        assert self.rest_offset is not None
        assert self.ones is not None
        wide = queries.to(compute_type(queries))
        total = sum_of_pulses(y.to(wide), self.ones)
        gain, offset = self.rest_gain.to(wide), self.rest_offset.to(wide)
        rest = (wide * gain[:, None]).sum(3) + offset[:, None] + total.log()
        seen, share = near.softmax(queries, rest, scale, reach)
        return seen + share[..., None] * self.output(y.to(wide) / total[..., None]).to(seen)

    def units(self, x: Tensor, name: str) -> Tensor:
        gain, offset = self.pair(name)
        x = x.repeat_interleave(len(gain) // x.shape[1], dim=1)
        return exact_product(x, gain.to(x)) + offset[:, None].to(x)

    def _bias_width(self) -> int | None:
        return self.width

    def _shapes(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        offset = (self.arrays if name in "kv" else self.heads, self.dims)
        return offset if name == "y" else (*offset, self.dims), offset

    def _rest_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (self.heads, self.dims), (self.heads,)


PARTS = ("gain", "offset")

SUBMODULE = "gaincell_norm"
"""Name of an attention layer's scalers: Trainer applies no weight decay to modules of this name."""

LAYER_KINDS = (*KINDS, "stock")
"""The kinds of layers: the kinds of ``attention``, and "stock", softmax over all earlier tokens."""
