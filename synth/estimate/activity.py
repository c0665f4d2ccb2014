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
    group = tokens.queries_per_token
    slots = config.tiles * (config.columns + config.head_dim)
    most = max(1, MOST_NUMBERS // (group * slots))
    if len(tokens) > most:
        source = f"{source}, the first {most} of its {len(tokens)} tokens"
    tokens, config = tokens[:most], replace(config, age_mode="steps")
    detail = attend_in_detail(*tokens.codes, config, first=tokens.first)
    phi = np.clip(np.nan_to_num(detail.score), 0.0, 1.0)
    return Activity(
        key=float(tokens.q_code.mean() / config.query_max),
        value=float(phi.sum() / (tokens.q_code[..., 0].size * config.stored_columns)),
        source=source,
    )
