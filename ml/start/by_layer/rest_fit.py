"""The rest's fit: from a query to what the tokens in the arrays add to softmax's denominator."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.ml.start.by_layer.blocks import Heads

RIDGE = 1e-3
"""Part of the mean diagonal that the regression adds to its Gram matrix."""
LEAST = 0.02
"""Weight of a query for which the rest does not matter; at most it is 0.25."""


def fit_rest(heads: Heads, recent: int) -> tuple[Tensor, Tensor]:
    """Gain (H, D) and offset (H,): log of the mean of exp(logit) over the tokens in the arrays.

    A regression on the query. An error of the log matters as p (1 - p) does, where p is the part of
    softmax's weight that lies in the arrays; so much each query weighs.
    """
    kept = [_head(heads, head, recent) for head in range(heads.q.shape[1])]
    coefficients = torch.stack(kept)
    return coefficients[:, :-1], coefficients[:, -1]


def _head(heads: Heads, head: int, recent: int) -> Tensor:
    """(D + 1,), the last of them the offset."""
    tokens, dims = heads.q.shape[2:]
    if tokens <= recent + 1:
        return heads.q.new_zeros(dims + 1)  # the arrays never hold a token
    place = torch.arange(tokens)
    age = place[:, None] - place
    beyond = age >= (heads.window or tokens)
    stored = (age >= recent) & (place > 0)
    gram = torch.zeros(dims + 1, dims + 1, dtype=torch.float64)
    moment = torch.zeros(dims + 1, dtype=torch.float64)
    for q, k in zip(heads.q[:, head], heads.k[:, head // heads.group], strict=True):
        logits = (q @ k.t()).mul_(heads.scale).masked_fill_((age < 0) | beyond, -torch.inf)
        whole = logits.logsumexp(1)[recent + 1 :]
        inside = logits.masked_fill_(~stored, -torch.inf).logsumexp(1)[recent + 1 :]
        count = (stored & ~beyond).sum(1)[recent + 1 :]
        part = (inside - whole).exp()
        weight = (part * (1 - part)).clamp(min=LEAST).double()
        rows = torch.cat([q[recent + 1 :], torch.ones_like(q[recent + 1 :, :1])], 1).double()
        gram += (rows * weight[:, None]).t() @ rows
        moment += (rows * weight[:, None]).t() @ (inside - count.log()).double()
    unit = RIDGE * gram.diagonal().mean() * torch.eye(dims + 1, dtype=torch.float64)
    solved: Tensor = torch.linalg.solve(gram + unit, moment)
    return solved.to(heads.q)
