"""Causal softmax attention over all tokens, or over the window and sink of a head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig


@dataclass(frozen=True)
class Reach:
    """The tokens that a query sees: the newest, its own with them; and the first ones."""

    window: int
    sink: int = 0

    @property
    def stored_columns(self) -> int:
        return self.window + self.sink


def softmax_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    config: HeadConfig | Reach | None,
    first_key: int = 0,
    scale: float | None = None,
) -> Tensor:
    """softmax(q k^T * scale) v, (B, H, T, D); the queries belong to the last T of S tokens.

    Parameters
    ----------
    config : a head, or a model's own sliding window; None: a query sees every earlier token
    first_key : absolute position of key 0
    scale : 1 / sqrt(D) by default

    A window is computed in chunks of queries, each over the keys it sees: no T x T mask is made.
    """
    tokens, keys = q.shape[2], k.shape[2]
    grouped = q.shape[1] != k.shape[1]
    last = first_key + keys
    if config is None or last <= config.stored_columns:
        if tokens == keys:
            return scaled_dot_product_attention(
                q, k, v, is_causal=True, scale=scale, enable_gqa=grouped
            )
        if tokens == 1:
            return scaled_dot_product_attention(q, k, v, scale=scale, enable_gqa=grouped)
    window = last if config is None else config.window
    sink = 0 if config is None else config.sink
    chunk = max(256, window) if config else tokens
    parts = []
    for begin in range(0, tokens, chunk):
        end = min(begin + chunk, tokens)
        query = torch.arange(last - tokens + begin, last - tokens + end, device=q.device)
        low = max(0, int(query[0]) - window + 1 - first_key)
        kept = min(sink, low)
        rows = torch.arange(low - kept, keys - tokens + end, device=q.device)
        rows[:kept] = torch.arange(kept, device=q.device)
        position = rows + first_key
        seen = (position <= query[:, None]) & (
            (position > query[:, None] - window) | (position < sink)
        )
        part = scaled_dot_product_attention(
            q[:, :, begin:end],
            k[:, :, rows],
            v[:, :, rows],
            attn_mask=seen,
            scale=scale,
            enable_gqa=grouped,
        )
        parts.append(part)
    return torch.cat(parts, dim=2) if parts else torch.zeros_like(q)
