"""Attention with a linear kernel instead of softmax: a baseline, not what the arrays compute."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.checks import check_tensors

CHUNK = 256
"""Queries whose weights are in memory at once."""


def feature(x: Tensor) -> Tensor:
    """phi(x) = elu(x) + 1, above 0 (Katharopoulos et al., ICML 2020, equation 7).

    x + 1 above 0 and exp(x) below: elu(x) + 1 itself would round to 0 from about -17 on.
    """
    return x.clamp(min=0) + x.clamp(max=0).exp()


def linear_kernel_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    config: HeadConfig | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Causal attention (B, H, T, D) with weights phi(q) . phi(k), divided by their sum.

    Parameters
    ----------
    q : (B, H, T, D)
        The queries of the last T of S tokens; not scaled by 1 / sqrt(D), as in the source.
    k, v : (B, H_kv, S, D)
        H is a multiple of H_kv.
    config : of which ``window`` and ``sink`` are used; None: every earlier token is seen
    start : (B,) integers
        First real token of each left-padded row; y of padding is 0.

    Raises
    ------
    TypeError, ValueError
        Tensors that do not fit together.
    """
    check_tensors(q, k, v)
    tokens, keys = q.shape[2], k.shape[2]
    window, sink = (keys, 0) if config is None else (config.window, config.sink)
    wide, group = torch.promote_types(q.dtype, torch.float32), q.shape[1] // k.shape[1]
    phi_q, phi_k = feature(q.to(wide)), feature(k.to(wide)).repeat_interleave(group, 1)
    values = v.to(wide).repeat_interleave(group, 1)
    first = torch.zeros(1, device=q.device) if start is None else start.to(q.device)
    first = first[:, None, None, None]
    parts = []
    for begin in range(0, tokens, CHUNK):
        end = min(begin + CHUNK, tokens)
        query = torch.arange(keys - tokens + begin, keys - tokens + end, device=q.device)
        # Rows of other starts have their sinks at other places: then no key is left out.
        low = max(0, int(query[0]) - window + 1) if start is None else 0
        rows = torch.arange(low, keys - tokens + end, device=q.device)
        rows = torch.cat([torch.arange(min(sink, low), device=q.device), rows])
        age = query[:, None] - rows  # (queries, rows)
        seen = (age >= 0) & (rows >= first) & ((age < window) | (rows < first + sink))
        weight = phi_q[:, :, begin:end] @ phi_k[:, :, rows].transpose(2, 3) * seen
        total = weight.sum(3, keepdim=True).clamp(min=torch.finfo(wide).tiny)
        parts.append(weight @ values[:, :, rows] / total)
    return torch.cat(parts, dim=2).to(q.dtype) if parts else torch.zeros_like(q)
