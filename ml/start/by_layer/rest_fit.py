"""The rest's fit: from a query to what the tokens in the arrays add to softmax's denominator."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.ml.start.by_layer.blocks import Heads

RIDGE = 1e-3
"""Part of the mean diagonal that the regression adds to its Gram matrix."""
LEAST = 0.02
"""Weight of a query for which the rest does not matter; at most it is 0.25."""


def fit_rest(heads: Heads, recent: int, total: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Gain (H, D) and offset (H,): log of the sum of exp(logit) over the tokens in the arrays.

    ``total`` (W, H, T) is the sum of pulses that the arrays measure; with it, the log of what one
    code of it stands for. The fit is a regression on the query. An error of the log matters as
    p (1 - p) does, where p is the part of softmax's weight that lies in the arrays; so much each
    query weighs.
    """
    logs = None if total is None else total.log()
    kept = [
        _head(heads, head, recent, None if logs is None else logs[:, head])
        for head in range(heads.q.shape[1])
    ]
    coefficients = torch.stack(kept)
    return coefficients[:, :-1], coefficients[:, -1]


def _head(heads: Heads, head: int, recent: int, logs: Tensor | None) -> Tensor:
    """(D + 1,), the last of them the offset."""
    tokens, dims = heads.q.shape[2:]
    if tokens <= recent + 1:
        return heads.q.new_zeros(dims + 1)  # the arrays never hold a token
    answered = slice(recent + 1, None)
    place = torch.arange(tokens)
    age = place[:, None] - place
    hidden = ((age < 0) | (age >= (heads.window or tokens)))[answered]
    stored = ((age >= recent) & (place > 0))[answered]
    gram = torch.zeros(dims + 1, dims + 1, dtype=torch.float64)
    moment = torch.zeros(dims + 1, dtype=torch.float64)
    for window in range(len(heads.q)):
        q, k = heads.q[window, head, answered], heads.k[window, head // heads.group]
        logits = (q @ k.t()).mul_(heads.scale).masked_fill_(hidden, -torch.inf)
        whole = logits.logsumexp(1)
        wanted = logits.masked_fill_(~stored, -torch.inf).logsumexp(1)
        part = (wanted - whole).exp()
        if logs is not None:
            wanted = wanted - logs[window, answered]
        weight = (part * (1 - part)).clamp(min=LEAST).double()
        weight = weight.masked_fill(~wanted.isfinite(), 0.0)
        rows = torch.cat([q, torch.ones_like(q[:, :1])], 1).double()
        gram += (rows * weight[:, None]).t() @ rows
        moment += (rows * weight[:, None]).t() @ wanted.nan_to_num(neginf=0.0).double()
    if not gram.any():  # a sliding window as short as the buffer
        return heads.q.new_zeros(dims + 1)
    unit = RIDGE * gram.diagonal().mean() * torch.eye(dims + 1, dtype=torch.float64)
    solved: Tensor = torch.linalg.solve(gram + unit, moment)
    return solved.to(heads.q)
