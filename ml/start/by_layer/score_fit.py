"""The score fit: maps whose pulses come near softmax's weights, by iterated least squares.

A head's phi pulse should be p / full_pulse, up to a full pulse, where p is softmax's weight of the
token; the output scale takes the factor back. With recent tokens beside the arrays, softmax's
denominator is measured, and need not be known: p is then exp(logit) over a reference that a query
gives linearly. Each round computes phi as the arrays do, with codes,
cell and clipping, and solves the regression of its residual on queries and keys. A clipped phi is
never asked to go further: the target is clipped too. Over all pairs the normal equations are a
Kronecker product: two small systems. Heads that share keys add up theirs for the keys' side. No
gradient of the model and no other loss are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.numbers import linear_slope, polynomial
from gaincell.ml.attention.quantisers import quantised
from gaincell.ml.start.by_layer.spectral import Maps

RIDGE = 1e-2
BLOCK = 256
"""Queries whose pairs are taken together, with no key behind the last of them."""


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
    """One round: maps, and the error of phi before the round.

    Queries q are (W, H, T, D), keys k (W, A, T, D); A is the number of arrays.

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
    pairs, stored = _blocks(absent, window), float((~absent).sum())
    of_q, of_k = _affine(maps.q_gain, maps.q_offset), _affine(maps.k_gain, maps.k_offset)
    sharing = q.shape[1] // k.shape[1]
    fits = []
    for array in range(k.shape[1]):
        aims = []
        heads = range(array * sharing, (array + 1) * sharing)
        for head in heads:
            own = None if reference is None else (reference[0][head], reference[1][head])
            aims.append(_Aim(scale, own, full_pulse, window))
        sides = [of_q[head] for head in heads], of_k[array]
        own_q = [q[:, head] for head in heads]
        fits.append(_fit_array(own_q, k[:, array], config, pairs, sides, aims, step / stored))
    queries = torch.stack([of_head for fit in fits for of_head in fit[0]])
    keys = torch.stack([fit[1] for fit in fits])
    if not bool(queries.isfinite().all() & keys.isfinite().all()):
        raise ValueError(f"the score fit diverged at a step of {step:g}: choose a smaller one")
    error = math.sqrt(sum(fit[2] for fit in fits) / len(queries) / stored)
    dims = q.shape[3]
    return Maps(queries[:, :dims], queries[:, dims], keys[:, :dims], keys[:, dims]), error


def unseen(config: HeadConfig, tokens: int, recent: int = 0) -> Tensor:
    """True for pairs (query, key), (T, T), whose key the arrays do not store."""
    place = torch.arange(tokens)
    age = place[:, None] - place
    first = min(recent, 1)
    too_old = (age >= config.window + recent) & (place >= config.sink + first)
    return (age < recent) | (age < 0) | (place < first) | too_old


@dataclass(frozen=True)
class _Pairs:
    """Queries begin..end-1 with the keys 0..end-1.

    hidden : (queries, keys), True where the model's own attention sees no token
    stored : the same shape, 1 where the arrays store the key, else 0; 0 for the first query
    """

    begin: int
    end: int
    hidden: Tensor
    stored: Tensor


def _blocks(absent: Tensor, window: int | None) -> list[_Pairs]:
    tokens = len(absent)
    place = torch.arange(tokens)
    hidden = absent | (place[:, None] - place >= (window or tokens))
    stored = (~absent).float()
    stored[0] = 0.0
    return [
        _Pairs(begin, end, hidden[begin:end, :end], stored[begin:end, :end].contiguous())
        for begin in range(0, tokens, BLOCK)
        for end in (min(tokens, begin + BLOCK),)
    ]


@dataclass(frozen=True)
class _Aim:
    """What phi should be: softmax's weight, or exp(logit) over the reference, per full pulse.

    Fields as arguments of ``fit_scores``, for one head.
    """

    scale: float
    reference: tuple[Tensor, Tensor] | None
    full_pulse: float
    window: int | None

    def of(self, queries: Tensor, keys: Tensor, pairs: _Pairs) -> Tensor:
        """(queries, keys), from 0 to 1; any value where the arrays store no key."""
        if self.reference is None:
            logits = (queries @ keys.t()).mul_(self.scale)
            weights = logits.masked_fill_(pairs.hidden, -torch.inf).softmax(1)
            return weights.div_(self.full_pulse).clamp_(max=1)
        gain, offset = self.reference
        level = math.log(self.full_pulse)
        zero = (queries @ gain).add_(offset + level).neg_()
        logits = torch.addmm(zero[:, None], queries, keys.t(), alpha=self.scale)
        # A weight is at most 1, and so is a pulse.
        aimed = logits.clamp_(max=min(0.0, -level)).exp_()
        return aimed if self.window is None else aimed.masked_fill_(pairs.hidden, 0.0)


@dataclass(frozen=True)
class _Sums:
    """Of one head over the pairs of all texts, with its inputs to the arrays x and charges.

    of_q, of_k : (D + 1, D), moments of the residual on queries and on keys
    x, charge : (D, D), Gram matrices; q, k : (D + 1, D + 1)
    squares : of the residual
    """

    of_q: Tensor
    of_k: Tensor
    x: Tensor
    charge: Tensor
    q: Tensor
    k: Tensor
    squares: Tensor


def _fit_array(
    queries: Sequence[Tensor],
    k: Tensor,
    config: HeadConfig,
    blocks: Sequence[_Pairs],
    sides: tuple[Sequence[Tensor], Tensor],
    aims: Sequence[_Aim],
    step: float,
) -> tuple[list[Tensor], Tensor, float]:
    """Affine maps (D + 1, D) of one array's queries and keys after a round, and squares of a text.

    ``queries``, ``aims`` and the first side are of each head that reads the array. ``step`` is that
    of a round over the pairs of one text that count.
    """
    of_heads, of_k = sides
    windows, tokens, _ = k.shape
    sums = [
        _sums(q, k, config, blocks, (of_q, of_k), aim)
        for q, of_q, aim in zip(queries, of_heads, aims, strict=True)
    ]
    count = windows * (tokens - 1)
    pace = step * config.s_sat / windows
    per_unit = linear_slope(config) * config.full_scale_v
    moved_q = [
        of_q + pace * _inverse(own.q / count) @ own.of_q @ _inverse(own.charge / count)
        for of_q, own in zip(of_heads, sums, strict=True)
    ]
    of_all = torch.stack([own.of_k for own in sums]).sum(0)
    x = torch.stack([own.x for own in sums]).sum(0)
    moved_k = pace / per_unit * _inverse(sums[0].k / count) @ of_all @ _inverse(x / count)
    return moved_q, of_k + moved_k, sum(float(own.squares) for own in sums) / windows


def _sums(
    q: Tensor,
    k: Tensor,
    config: HeadConfig,
    blocks: Sequence[_Pairs],
    sides: tuple[Tensor, Tensor],
    aim: _Aim,
) -> _Sums:
    of_q, of_k = sides
    dims = q.shape[2]
    sum_q, sum_k = torch.zeros_like(of_q), torch.zeros_like(of_k)
    squares = of_q.new_zeros((), dtype=torch.float64)
    gram_x, gram_charge, gram_q, gram_k = (
        q.new_zeros(size, size) for size in (dims, dims, dims + 1, dims + 1)
    )
    for queries, keys in zip(_with_one(q), _with_one(k), strict=True):
        x = quantised(queries @ of_q, config.query_max)
        volts = quantised(keys @ of_k, config.key_max) * config.full_scale_v
        charge = polynomial(volts - config.center_v, config.cell_coefficients)
        scores = charge / config.s_sat
        for block in blocks:
            rows, seen = slice(block.begin, block.end), slice(0, block.end)
            phi = (x[rows] @ scores[seen].t()).clamp_(0, 1)
            residual = aim.of(queries[rows, :dims], keys[seen, :dims], block)
            residual = residual.sub_(phi).mul_(block.stored)
            squares += torch.linalg.vector_norm(residual).double().square()
            sum_q += queries[rows].t() @ (residual @ charge[seen])
            sum_k += keys[seen].t() @ (residual.t() @ x[rows])
        for gram, each in (
            (gram_x, x),
            (gram_charge, charge),
            (gram_q, queries),
            (gram_k, keys),
        ):
            gram += each[1:].t() @ each[1:]
    return _Sums(sum_q, sum_k, gram_x, gram_charge, gram_q, gram_k, squares)


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
