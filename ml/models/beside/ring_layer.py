"""One layer of a ``HardwareCache``: its arrays, and the recent tokens beside them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import CacheLayerMixin

from gaincell.config import HeadConfig
from gaincell.ml.attention.ring_cache import RingCache
from gaincell.ml.models.beside.recent import Recent


class RingLayer(CacheLayerMixin):
    """One layer's arrays: ``ring`` stores the codes; ``near`` is what stays beside the arrays.

    ``update`` returns keys and values of the ``recent`` tokens before the new ones, and of these.
    The arrays are made for the first codes, whose tensor gives batch, number of arrays and device.
    """

    is_sliding = False

    def __init__(self, head: HeadConfig, kind: str, recent: int = 0) -> None:
        super().__init__()
        self.head, self.kind, self.recent = head, kind, recent
        self.ring: RingCache | None = None
        self.near: list[
            Tensor
        ] = []  # keys and values (B, H_kv, recent, D), and the first (B, H_kv, D)
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
        if not self.recent:
            return key_states, value_states
        new = key_states, value_states
        near = self.near or [x.new_zeros(*x.shape[:2], self.recent, x.shape[3]) for x in new]
        k, v = (torch.cat([old, x], 2) for old, x in zip(near, new, strict=False))
        self.near[:2] = [x[:, :, x.shape[2] - self.recent :] for x in (k, v)]
        return k, v

    def seen_recently(self, k: Tensor, v: Tensor, begin: Tensor, tokens: int) -> Recent:
        """For the queries of ``tokens`` new tokens, after ``update`` has returned k and v.

        ``begin`` (B,) is where each row begins, counted from the first token of all calls.
        """
        past = self.tokens - tokens
        column = begin - past
        here = ((column >= 0) & (column < tokens))[:, None, None]
        row, column = torch.arange(len(k), device=k.device), column.clamp(0, tokens - 1)
        first_k, first_v = (x[row, :, self.recent + column] for x in (k, v))
        if len(self.near) > 2:
            first_k = torch.where(here, first_k, self.near[2])
            first_v = torch.where(here, first_v, self.near[3])
        self.near[2:] = first_k, first_v
        position = torch.arange(past, self.tokens, device=k.device) - begin[:, None]
        return Recent(k, v, first_k, first_v, begin, position, self.recent)

    def get_seq_length(self) -> int:
        return self.tokens

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.tokens + query_length, 0

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        self.ring, self.near, self.tokens, self.is_initialized = None, [], 0, False

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.batch_select_indices(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.ring is not None:
            rows = torch.arange(len(self.ring.length), device=self.ring.length.device)
            self.batch_select_indices(rows.repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        if self.ring is not None:
            self.ring.reorder(indices.to(self.ring.length.device))
        self.near = [x[indices.to(x.device)] for x in self.near]

    def crop(self, tokens_to_remove: int) -> None:
        """Refuse to take tokens back: their columns have overwritten older ones.

        Raises
        ------
        ValueError
            There are tokens to remove.
        """
        if tokens_to_remove:
            raise ValueError("the arrays cannot take tokens back: generate without an assistant")
