"""The rest's fit: from a query to what the tokens in the arrays add to softmax's denominator."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from gaincell.ml.start.by_layer.blocks import Heads

RIDGE = 1e-3
"""Part of the mean diagonal that the regression adds to its Gram matrix."""
LEAST = 0.02
"""Weight of a query for which the rest does not matter; at most it is 0.25."""
BLOCK = 256
"""Queries whose logits are taken together, with no key behind the last of them."""


@dataclass(frozen=True)
class RestLogs:
    """What the tokens in the arrays add to softmax's denominator, for the queries that find any.

    wanted : (W, H, N), log of their sum of exp(logit), of the last N queries; -inf for no token
    weight : (W, H, N), of each query in a regression of it
    """

    wanted: Tensor
    weight: Tensor

    @classmethod
    def of(cls, heads: Heads, recent: int) -> RestLogs:
        windows, count, tokens = heads.q.shape[:3]
        first = min(recent + 1, tokens)  # the arrays hold no token before
        wanted = heads.q.new_zeros(windows, count, tokens - first)
        weight = torch.zeros_like(wanted)
        place = torch.arange(tokens)
        age = place[:, None] - place
        hidden = (age < 0) | (age >= (heads.window or tokens))
        lacking = (age < recent) | (place == 0)
        for begin in range(first, tokens, BLOCK):
            end = min(tokens, begin + BLOCK)
            rows, to = slice(begin, end), slice(begin - first, end - first)
            for window, head in product(range(windows), range(count)):
                q, k = heads.q[window, head, rows], heads.k[window, head // heads.group, :end]
                logits = (q @ k.t()).mul_(heads.scale)
                logits.masked_fill_(hidden[rows, :end], -torch.inf)
                whole = logits.logsumexp(1)
                rest = logits.masked_fill_(lacking[rows, :end], -torch.inf).logsumexp(1)
                part = (rest - whole).exp()
                wanted[window, head, to] = rest
                weight[window, head, to] = (part * (1 - part)).clamp(min=LEAST)
        return cls(wanted, weight)

    def __getitem__(self, windows: slice) -> RestLogs:
        return RestLogs(self.wanted[windows], self.weight[windows])


def fit_rest(heads: Heads, logs: RestLogs, total: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Gain (H, D) and offset (H,): log of the sum of exp(logit) over the tokens in the arrays.

    ``total`` (W, H, T) is the sum of pulses that the arrays measure; with it, the log of what one
    code of it stands for. The fit is a regression on the query. An error of the log matters as
    p (1 - p) does, where p is the part of softmax's weight that lies in the arrays; so much each
    query weighs.
    """
    tokens, dims = heads.q.shape[2:]
    first = tokens - logs.wanted.shape[2]
    wanted = logs.wanted if total is None else logs.wanted - total[:, :, first:].log()
    weight = logs.weight.double().masked_fill(~wanted.isfinite(), 0.0)
    wanted = wanted.nan_to_num(neginf=0.0).double()
    fitted = []
    for head in range(heads.q.shape[1]):
        q = heads.q[:, head, first:].double()
        rows = torch.cat([q, torch.ones_like(q[..., :1])], 2).flatten(0, 1)
        weighted = rows * weight[:, head].flatten()[:, None]
        gram, moment = weighted.t() @ rows, weighted.t() @ wanted[:, head].flatten()
        if not gram.any():  # the arrays never hold a token, or none that the model sees
            fitted.append(torch.zeros(dims + 1, dtype=torch.float64))
            continue
        unit = RIDGE * gram.diagonal().mean() * torch.eye(dims + 1, dtype=torch.float64)
        fitted.append(torch.linalg.solve(gram + unit, moment))
    coefficients = torch.stack(fitted).to(heads.q)
    return coefficients[:, :-1], coefficients[:, -1]
