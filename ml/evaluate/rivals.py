"""Attention with less memory for keys and values than softmax over all: rivals of the arrays."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.checks import check_tensors
from gaincell.ml.attention.softmax import Reach, softmax_attention

GROUP = 32
"""Tokens that share a key channel's scale, channels of a token that share a value's, and newest
tokens that stay exact: the example of KIVI's authors (Liu et al., ICML 2024, arXiv 2402.02750)."""
FIRST = 4
"""Tokens of the beginning that are kept with the newest ones (Xiao et al., ICLR 2024, arXiv
2309.17453)."""
EXACT_BITS = 16
"""Of a number that is not quantised, and of a group's scale and of its least value."""


def quantised(x: Tensor, bits: int, dim: int) -> Tensor:
    """``x`` with each whole group of ``GROUP`` along ``dim`` in 2^bits levels from least to most.

    What is left over at the end stays as it is.
    """
    size = x.shape[dim]
    whole = size - size % GROUP
    groups = torch.unflatten(x.narrow(dim, 0, whole), dim, (-1, GROUP))
    inner = dim % x.dim() + 1
    low, high = groups.amin(inner, keepdim=True), groups.amax(inner, keepdim=True)
    step = ((high - low) / ((1 << bits) - 1)).clamp(min=torch.finfo(x.dtype).tiny)
    codes = ((groups - low) / step).round()
    rest = x.narrow(dim, whole, size - whole)
    return torch.cat([(low + codes * step).flatten(inner - 1, inner), rest], dim=dim)


def kivi_attention(
    q: Tensor, k: Tensor, v: Tensor, bits: int, scale: float | None = None
) -> Tensor:
    """Causal softmax attention (B, H, T, D) from a quantised cache, after KIVI.

    Keys are quantised channel by channel, in groups of ``GROUP`` tokens as soon as a group is
    whole; values token by token, once ``GROUP`` newer ones are there. All newer ones are exact.

    Parameters
    ----------
    q : (B, H, T, D)
        The queries of the last T of S tokens.
    k, v : (B, H_kv, S, D)
        H is a multiple of H_kv.
    bits : of a stored number
    scale : 1 / sqrt(D) by default

    Raises
    ------
    TypeError, ValueError
        Tensors that do not fit together.
    """
    check_tensors(q, k, v)
    tokens, keys = q.shape[2], k.shape[2]
    group = q.shape[1] // k.shape[1]
    scale = q.shape[3] ** -0.5 if scale is None else scale
    stored = [quantised(k, bits, 2), k, quantised(v, bits, 3), v]
    old_k, new_k, old_v, new_v = (each.repeat_interleave(group, 1) for each in stored)
    parts, first = [], keys - tokens
    begin = first
    while begin < keys:
        exact_from = begin - begin % GROUP
        end = min(exact_from + GROUP, keys)
        seen_k = torch.cat([old_k[:, :, :exact_from], new_k[:, :, exact_from:end]], dim=2)
        query = torch.arange(begin, end, device=q.device)[:, None]
        row = torch.arange(end, device=q.device)
        logits = q[:, :, begin - first : end - first] @ seen_k.transpose(2, 3) * scale
        weight = logits.masked_fill(row > query, -torch.inf).softmax(3)
        old = weight * (row < query - GROUP)
        parts.append(old @ old_v[:, :, :end] + (weight - old) @ new_v[:, :, :end])
        begin = end
    return torch.cat(parts, dim=2) if parts else torch.zeros_like(q)


def sinks_of(head: HeadConfig) -> Reach:
    """First and newest tokens, exact, that take as many bits as the head's arrays hold."""
    fit = head.stored_columns * (head.key_bits + head.value_bits) // (2 * EXACT_BITS)
    return Reach(window=max(1, fit - FIRST), sink=FIRST)


def rival_attention(
    attention: str,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    head: HeadConfig,
    start: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """The attention "kivi-4", "kivi-2" or "sinks": (B, H, T, D); tensors as ``kivi_attention``.

    start : (B,) first real token of each left-padded row; y of padding is 0
    """
    if start is not None:
        rows = []
        for number, padded in enumerate(start.tolist()):
            one = slice(number, number + 1)
            skipped = max(0, padded - (k.shape[2] - q.shape[2]))
            real = q[one, :, skipped:], k[one, :, padded:], v[one, :, padded:]
            y = torch.zeros_like(q[one])
            y[:, :, skipped:] = rival_attention(attention, *real, head, None, scale)
            rows.append(y)
        return torch.cat(rows)
    if attention == "sinks":
        return softmax_attention(q, k, v, sinks_of(head), scale=scale)
    return kivi_attention(q, k, v, int(attention.removeprefix("kivi-")), scale)
