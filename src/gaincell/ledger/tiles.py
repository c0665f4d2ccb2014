"""The error of sub-tiles that are cut by position, as in the authors' training code.

A ring sub-tile holds, after the wrap, the newest tokens and the oldest ones, and their charges are
added before they are clipped and rounded. Cut by position, each part is clipped and rounded alone.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from gaincell.behavioral.attention import attend_in_detail, read_out
from gaincell.config import HeadConfig


@dataclass(frozen=True)
class Moved:
    """How the outputs after the wrap differ when sub-tiles are cut by position.

    share : part of the outputs that get another code
    rms : root mean square of the differences, over the root mean square of the outputs
    """

    share: float
    rms: float


@cache
def moved_by_position() -> Moved:
    """The differences of the default head for the shipped codes of a language model."""
    from gaincell.behavioral.tokens import shipped_tokens

    config = HeadConfig()
    tokens = shipped_tokens(config)
    detail = attend_in_detail(*tokens.codes, config)
    phi = np.clip(np.nan_to_num(detail.score), 0.0, 1.0)
    centred = config.full_scale_v * tokens.v_code / config.value_max - config.center_v
    queries = np.arange(config.window, len(phi))
    change = np.zeros((len(queries), config.head_dim), dtype=np.int64)
    for row, query in enumerate(queries):
        newest = config.slot_of(int(query))
        tile, _ = config.place_of(newest)
        slots = np.arange(tile * config.columns, (tile + 1) * config.columns)
        age = (newest - slots) % config.window
        aged = centred[query - age] * config.decay_per_token ** age[:, None]
        response = np.polynomial.polynomial.polyval(aged, config.cell_coefficients)
        pulse, new = phi[query, slots], slots <= newest
        parts = [read_out((pulse * part) @ response, config)[0] for part in (new, ~new)]
        change[row] = sum(parts) - detail.tile_code[query, tile]
    y_code = detail.y_code[queries]
    return Moved(
        share=float(np.mean(change != 0)),
        rms=float(np.sqrt(np.sum(change**2) / np.sum(y_code**2))),
    )
