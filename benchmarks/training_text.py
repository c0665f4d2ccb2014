"""Windows of tokens that a model is trained on: of several kinds of text, some full of copies."""

from __future__ import annotations

import random
from collections.abc import Mapping

import torch
from torch import Tensor

WINDOW = 1024
MOST = {"code": 240, "wikitext2_valid": 110, "tinyshakespeare": 110, "written": 25}
"""Windows taken of each text, as far as it has so many."""
COPYING = ("code", "wikitext2_valid", "tinyshakespeare")
"""Texts whose passages are copied."""
COPIES = 120
"""Windows that hold a passage several times."""
PASSAGES = (60, 120, 200, 300, 450)
"""Tokens of such a passage."""
SLIPS = (0, 0, 2, 5)
"""Tokens of a copy that are drawn anew, as entries of a list differ."""


def training_windows(texts: Mapping[str, Tensor]) -> Tensor:
    """Windows (W, T) in mixed order, of the tokens of texts by name."""
    draw = random.Random(0)
    pool = torch.cat([texts[name] for name in COPYING if name in texts])
    rows = [_copies(pool, draw) for _ in range(COPIES)]
    for name, most in MOST.items():
        if name in texts:
            whole = len(texts[name]) // WINDOW * WINDOW
            own = list(texts[name][:whole].view(-1, WINDOW))
            draw.shuffle(own)
            rows += own[:most]
    draw.shuffle(rows)
    return torch.stack(rows)


def _copies(pool: Tensor, draw: random.Random) -> Tensor:
    """One window: a passage again and again, nearly the same, and other text between."""
    begin = draw.randrange(len(pool) - 3000)
    passage = pool[begin : begin + draw.choice(PASSAGES)]
    parts: list[Tensor] = []
    while sum(map(len, parts)) < WINDOW:
        if draw.random() < 0.75:
            copy = passage.clone()
            for _ in range(draw.choice(SLIPS)):
                copy[draw.randrange(len(copy))] = pool[draw.randrange(len(pool))]
            parts.append(copy)
        else:
            begin = draw.randrange(len(pool) - 500)
            parts.append(pool[begin : begin + draw.randrange(20, 150)])
    return torch.cat(parts)[:WINDOW]
