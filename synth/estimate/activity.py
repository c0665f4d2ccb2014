"""Mean length of the pulses on the arrays while a head reads tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gaincell.behavioral.attention import attend_in_detail
from gaincell.config import HeadConfig
from gaincell.synth.estimate.analog import Activity

if TYPE_CHECKING:
    from gaincell.behavioral.tokens import Tokens

MOST_NUMBERS = 1 << 25
"""Most scores and sub-tile codes in memory at once, 8 bytes each."""


def measure_activity(tokens: Tokens, source: str, config: HeadConfig) -> Activity:
    """Mean pulse lengths while ``config``'s head reads ``tokens``, as ``source`` names them.

    Age mode "time" would need a co-simulation's events; ages are counted in tokens instead.
    """
    q = tokens["q"]
    group = q.shape[1] if q.ndim == 3 else 1
    slots = config.tiles * (config.columns + config.head_dim)
    most = max(1, MOST_NUMBERS // (group * slots))
    if len(q) > most:
        source = f"{source}, the first {most} of its {len(q)} tokens"
    q, k, v, first = (tokens[name][:most] for name in ("q", "k", "v", "first"))
    detail = attend_in_detail(q, k, v, replace(config, age_mode="steps"), first=first)
    phi = np.clip(np.nan_to_num(detail.score), 0.0, 1.0)
    stored = config.window + config.sink
    return Activity(
        key=float(q.mean() / config.query_max),
        value=float(phi.sum() / (q[..., 0].size * stored)),
        source=source,
    )
