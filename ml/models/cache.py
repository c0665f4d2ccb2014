"""The cache of a converted model in generation: the arrays of each layer, of O(window) memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin, DynamicLayer

from gaincell.config import HeadConfig
from gaincell.ml.attention.ring_cache import RingCache
from gaincell.ml.models.settings import Settings


class RingLayer(CacheLayerMixin):
    """One layer's arrays: ``ring`` stores the codes, ``update`` returns keys and values unchanged.

    The arrays are made for the first codes, whose tensor gives batch, number of arrays and device.
    """

    is_sliding = False

    def __init__(self, head: HeadConfig, kind: str) -> None:
        super().__init__()
        self.head, self.kind = head, kind
        self.ring: RingCache | None = None
        self.tokens = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.is_initialized = True

    def arrays(self, k: Tensor) -> RingCache:
        """The arrays that store the codes k (B, arrays, T, D)."""
        if self.ring is None:
            batch, heads = k.shape[:2]
            self.ring = RingCache(self.head, batch, heads, kind=self.kind, device=k.device)
        return self.ring

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.tokens += key_states.shape[2]
        return key_states, value_states

    def get_seq_length(self) -> int:
        return self.tokens

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.tokens + query_length, 0

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        self.ring, self.tokens, self.is_initialized = None, 0, False

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.batch_select_indices(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.ring is not None:
            rows = torch.arange(len(self.ring.length), device=self.ring.length.device)
            self.ring.reorder(rows.repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        if self.ring is not None:
            self.ring.reorder(indices.to(self.ring.length.device))

    def crop(self, tokens_to_remove: int) -> None:
        """Refuse to take tokens back: their columns have overwritten older ones.

        Raises
        ------
        ValueError
            There are tokens to remove.
        """
        if tokens_to_remove:
            raise ValueError("the arrays cannot take tokens back: generate without an assistant")


class HardwareCache(Cache):
    """A ``past_key_values``: arrays for layers on hardware, plain keys and values for the others.

    Parameters
    ----------
    config : a converted model's config
    """

    def __init__(self, config: Any) -> None:
        settings = Settings.of(config)
        super().__init__(
            layers=[
                DynamicLayer() if kind in ("softmax", "stock") else RingLayer(settings.head, kind)
                for kind in settings.kinds
            ]
        )

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, starts: Tensor | None) -> Tensor:
        """y codes (B, H, T, D) of new tokens, after their ``update``.

        ``starts`` (B,) are the rows' first real tokens, counted from the first token of all calls.

        Raises
        ------
        TypeError, ValueError
            As ``RingCache.attend``.
        """
        ring = self.layers[layer]
        assert isinstance(ring, RingLayer)
        if starts is not None:
            starts = (starts - (ring.tokens - q.shape[2])).clamp(min=0)
        return ring.arrays(k).attend(q.detach(), k.detach(), v.detach(), starts)
