"""The spectral maps: a head's maps to codes in closed form, from which its score fit begins.

phi = clip(1 + (logit - lse) / tau, 0, 1) falls from 1, for a token with all of softmax's weight, to
0, for a token with exp(-tau) of it. The logit less its log-sum-exp is made bilinear: a regression
of the log-sum-exp on the query gives a vector that is subtracted from every key, which does not
change softmax. Then the product of queries and keys is spread evenly over the word lines, at right
angles to the all-ones vector: an unsigned query needs an offset, which would otherwise drive every
column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.numbers import linear_slope

TAU_NATS = 7.0
"""tau: of 3 to 10, the best beginning of the score fit on SmolLM2."""
SHARE = 0.25
"""Standard deviation of queries and of keys, as a part of their codes' range: tau's spread is
shared equally."""
RIDGE = 1e-3
BLOCK = 256
"""Queries whose logits are taken together, with no key behind the last of them."""


@dataclass(frozen=True)
class Maps:
    """Maps of all heads, x @ gain + offset in codes over the largest.

    q_gain : (H, D, D); q_offset : (H, D)
    k_gain : (A, D, D); k_offset : (A, D); A, the number of arrays, divides H
    """

    q_gain: Tensor
    q_offset: Tensor
    k_gain: Tensor
    k_offset: Tensor


def spectral_maps(
    q: Tensor, k: Tensor, config: HeadConfig, *, scale: float, window: int | None = None
) -> Maps:
    """Maps of all heads, from queries (W, H, T, D) and keys (W, A, T, D).

    Heads that share keys begin with the maps of one head that has the queries of all of them.

    scale : of q k^T before softmax
    window : tokens that a query of the model sees; None: all before it
    """
    sharing = q.shape[1] // k.shape[1]
    found = [
        _head(of_array.flatten(0, 1), keys.repeat_interleave(sharing, 0), config, scale, window)
        for of_array, keys in zip(torch.split(q, sharing, 1), k.unbind(1), strict=True)
    ]
    q_gain, q_offset, k_gain, k_offset = (torch.stack(parts) for parts in zip(*found, strict=True))
    q_gain, q_offset = (each.repeat_interleave(sharing, 0) for each in (q_gain, q_offset))
    return Maps(q_gain, q_offset, k_gain, k_offset)


def flat_rows(dims: int) -> Tensor:
    """dims - 1 orthonormal rows (dims - 1, dims) at right angles to the all-ones vector.

    Rows of a Hadamard matrix if dims is a power of two, else of a cosine transform.
    """
    if dims & (dims - 1) == 0:
        rows = torch.ones(1, 1, dtype=torch.float64)
        while len(rows) < dims:
            rows = torch.cat([torch.cat([rows, rows], 1), torch.cat([rows, -rows], 1)])
        return rows[1:] / math.sqrt(dims)
    place = torch.arange(dims, dtype=torch.float64)
    angle = math.pi / dims * (place + 0.5) * place[1:, None]
    return math.sqrt(2 / dims) * torch.cos(angle)


def _head(
    q: Tensor, k: Tensor, config: HeadConfig, scale: float, window: int | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gain and offset of one head's queries, then of its keys, from (W, T, D) each."""
    dims = q.shape[2]
    key_mean = k[:, 1:].flatten(0, 1).mean(0)
    lse, received = _softmax_sums(q, k - key_mean, scale, window)
    queries = q[:, 1:].reshape(-1, dims).double()
    mean_q = queries.mean(0)
    queries = queries - mean_q
    cov_q = queries.t() @ queries / len(queries)
    lse = lse[:, 1:].reshape(-1).double()
    eye = torch.eye(dims, dtype=torch.float64)
    slope = torch.linalg.solve(
        cov_q + RIDGE * cov_q.diagonal().mean() * eye,
        queries.t() @ (lse - lse.mean()) / len(queries),
    )
    level = lse.mean() - mean_q @ slope

    shift = key_mean.double() * scale + slope  # kappa = k * scale - shift
    kappa = k[:, 1:].reshape(-1, dims).double() * scale - shift
    weight = 0.5 + 0.5 * received[:, 1:].reshape(-1).double()
    centred = kappa - (kappa * weight[:, None]).sum(0) / weight.sum()
    cov_k = (centred * weight[:, None]).t() @ centred / weight.sum()
    root, inverse = _square_root(cov_q)
    values, vectors = torch.linalg.eigh(root @ cov_k @ root)
    values, vectors = values.flip(0)[: dims - 1], vectors.flip(1)[:, : dims - 1]
    values = values.clamp(min=float(values[0]) * 1e-12)
    rows = flat_rows(dims)
    to_q = inverse @ (vectors * values.pow(0.25)) @ rows
    to_k = root @ (vectors * values.pow(-0.25)) @ rows

    # Both have this standard deviation on average; the cell's slope and saturation fix tau's scale.
    spread = (values.sqrt().sum() / dims).sqrt()
    std_q, std_v = SHARE, SHARE * config.full_scale_v
    per_line = linear_slope(config) / config.s_sat
    balance = (spread**2 / (TAU_NATS * per_line * std_q * std_v)).sqrt()
    q_gain = std_q * balance / spread * to_q
    of_all = dims / 2 * per_line  # what a volt on a whole column adds to phi
    a = config.cell_coefficients
    bend = a[0] + (a[2] * std_v**2 if len(a) > 2 else 0.0)
    constant = (1 - level / TAU_NATS - bend * dims / 2 / config.s_sat) / of_all
    kappa_gain = std_v * balance / spread * to_k + (mean_q / TAU_NATS / of_all)[:, None]
    k_gain = kappa_gain * scale
    k_offset = config.center_v + constant - shift @ kappa_gain
    volts = config.full_scale_v
    made = (q_gain, 0.5 - mean_q @ q_gain, k_gain / volts, k_offset / volts)
    return tuple(tensor.to(q.dtype) for tensor in made)


def _softmax_sums(q: Tensor, k: Tensor, scale: float, window: int | None) -> tuple[Tensor, Tensor]:
    """Log-sum-exp of each query's logits, and the attention that each key receives; both (W, T)."""
    tokens = q.shape[1]
    place = torch.arange(tokens)
    age = place[:, None] - place
    hidden = (age < 0) | (age >= (window or tokens))
    lse, received = torch.zeros_like(q[..., 0]), torch.zeros_like(q[..., 0])
    for text, (queries, keys) in enumerate(zip(q, k, strict=True)):
        for begin in range(0, tokens, BLOCK):
            end = min(tokens, begin + BLOCK)
            logits = (queries[begin:end] @ keys[:end].t()).mul_(scale)
            logits.masked_fill_(hidden[begin:end, :end], -torch.inf)
            most = logits.amax(1)
            parts = logits.sub_(most[:, None]).exp_()
            total = parts.sum(1)
            lse[text, begin:end] = most + total.log()
            received[text, :end] += (1 / total) @ parts
    return lse, received


def _square_root(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric square root of a covariance, and its inverse."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=float(values[-1]) * 1e-6)
    return (vectors * values.sqrt()) @ vectors.t(), (vectors * values.rsqrt()) @ vectors.t()
