"""The score fit: maps whose pulses come near softmax's weights, by iterated least squares.

A head's phi pulse should be p / full_pulse, up to a full pulse, where p is softmax's weight of the
token; the output scale takes the factor back. With recent tokens beside the arrays, softmax's
denominator is measured, and need not be known: p is then exp(logit) over a reference that a query
gives linearly. Each round computes phi as the arrays do, with codes,
cell and clipping. It takes the residual where a pulse can follow it, not below 0 nor above 1, and
solves the regression of this residual on queries and keys. Over all pairs the normal equations are
a Kronecker product: two small systems. No gradient of the model and no other loss are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.numbers import linear_slope, polynomial
from gaincell.ml.attention.quantisers import quantised
from gaincell.ml.start.by_layer.spectral import Maps

RIDGE = 1e-2


def fit_scores(
    q: Tensor,
    k: Tensor,
    config: HeadConfig,
    maps: Maps,
    *,
    scale: float,
    window: int | None = None,
    recent: int = 0,
    reference: tuple[Tensor, Tensor] | None = None,
    full_pulse: float,
    step: float,
) -> tuple[Maps, float]:
    """One round on queries and keys (W, H, T, D): maps, and the error of phi before the round.

    Parameters
    ----------
    scale : of q k^T before softmax
    window : tokens that a query of the model sees; None: all before it
    recent : newest tokens beside the arrays, and with them the first one
    reference : (H, D), (H,), from a query to the log of the reference; None: softmax's denominator
    full_pulse : softmax weight that a full pulse stands for
    step : part of each side's solution that is added; both sides move at once

    The first token of a text is left out of queries, not of keys. The error is the root mean square
    over the pairs whose key the arrays store, in units of a full pulse. Leak is neglected.

    Raises
    ------
    ValueError
        The fit diverges.
    """
    absent = unseen(config, q.shape[2], recent)
    place = torch.arange(q.shape[2])
    hidden = absent | (place[:, None] - place >= (window or q.shape[2]))
    heads = range(q.shape[1])
    references = [None if reference is None else (reference[0][h], reference[1][h]) for h in heads]
    of_q, of_k = _affine(maps.q_gain, maps.q_offset), _affine(maps.k_gain, maps.k_offset)
    fits = [
        _fit_head(
            q[:, head],
            k[:, head],
            config,
            absent,
            (of_q[head], of_k[head]),
            partial(_weights, hidden=hidden, scale=scale, reference=references[head]),
            full_pulse,
            step,
        )
        for head in heads
    ]
    queries, keys = torch.stack([fit[0] for fit in fits]), torch.stack([fit[1] for fit in fits])
    if not bool(queries.isfinite().all() & keys.isfinite().all()):
        raise ValueError(f"the score fit diverged at a step of {step:g}: choose a smaller one")
    error = math.sqrt(sum(fit[2] for fit in fits) / len(fits))
    dims = q.shape[3]
    return Maps(queries[:, :dims], queries[:, dims], keys[:, :dims], keys[:, dims]), error


def unseen(config: HeadConfig, tokens: int, recent: int = 0) -> Tensor:
    """True for pairs (query, key), (T, T), whose key the arrays do not store."""
    place = torch.arange(tokens)
    age = place[:, None] - place
    first = min(recent, 1)
    too_old = (age >= config.window + recent) & (place >= config.sink + first)
    return (age < recent) | (age < 0) | (place < first) | too_old


def _fit_head(
    q: Tensor,
    k: Tensor,
    config: HeadConfig,
    absent: Tensor,
    sides: tuple[Tensor, Tensor],
    weights: Callable[[Tensor, Tensor], Tensor],
    full_pulse: float,
    step: float,
) -> tuple[Tensor, Tensor, float]:
    """Affine maps (D + 1, D) of one head's queries and keys after a round, and the mean square."""
    of_q, of_k = sides
    windows, tokens, dims = q.shape
    pairs = windows * float((~absent).sum())
    sum_q, sum_k, squares = torch.zeros_like(of_q), torch.zeros_like(of_k), 0.0
    gram_x, gram_charge, gram_q, gram_k = (
        q.new_zeros(size, size) for size in (dims, dims, dims + 1, dims + 1)
    )
    for queries, keys in zip(_with_one(q), _with_one(k), strict=True):
        x = quantised(queries @ of_q, config.query_max)
        volts = quantised(keys @ of_k, config.key_max) * config.full_scale_v
        charge = polynomial(volts - config.center_v, config.cell_coefficients)
        target = weights(queries[:, :-1], keys[:, :-1])
        target = target.div_(full_pulse).clamp_(max=1)
        residual = _followed(target, (x @ charge.t()).div_(config.s_sat), absent)
        squares += float(residual.square().sum())
        sum_q += queries.t() @ (residual @ charge)
        sum_k += keys.t() @ (residual.t() @ x)
        for gram, each in (
            (gram_x, x),
            (gram_charge, charge),
            (gram_q, queries),
            (gram_k, keys),
        ):
            gram += each[1:].t() @ each[1:]
    count = windows * (tokens - 1)
    pace = step * config.s_sat / pairs
    per_unit = linear_slope(config) * config.full_scale_v
    moved_q = pace * _inverse(gram_q / count) @ sum_q @ _inverse(gram_charge / count)
    moved_k = pace / per_unit * _inverse(gram_k / count) @ sum_k @ _inverse(gram_x / count)
    return of_q + moved_q, of_k + moved_k, squares / pairs


def _followed(target: Tensor, score: Tensor, absent: Tensor) -> Tensor:
    """target - phi where phi = clip(score, 0, 1) can follow; 0 elsewhere and for the first query.

    ``target`` is overwritten.
    """
    residual = target.sub_(score.clamp(0, 1))
    clipped = ((score <= 0) & (residual < 0)) | ((score >= 1) & (residual > 0))
    residual.masked_fill_(clipped | absent, 0.0)
    residual[0] = 0.0
    return residual


def _weights(
    queries: Tensor,
    keys: Tensor,
    *,
    hidden: Tensor,
    scale: float,
    reference: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """(T, T) of one text: softmax's weights, or exp(logit) over the reference, at most 1."""
    logits = (queries @ keys.t()).mul_(scale).masked_fill_(hidden, -torch.inf)
    if reference is None:
        return logits.softmax(1)
    gain, offset = reference
    return logits.sub_((queries @ gain + offset)[:, None]).clamp_(max=0).exp_()


def _affine(gain: Tensor, offset: Tensor) -> Tensor:
    """(H, D + 1, D), for inputs with a one after them."""
    return torch.cat([gain, offset[:, None]], 1)


def _with_one(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[..., :1])], -1)


def _inverse(gram: Tensor) -> Tensor:
    """Inverse of a Gram matrix, with ``RIDGE`` times its diagonal and the diagonal's mean added."""
    whole = gram.double()
    own = whole.diagonal()
    inverse: Tensor = torch.linalg.inv(whole + RIDGE * (own + own.mean()).diag())
    return inverse.to(gram)
