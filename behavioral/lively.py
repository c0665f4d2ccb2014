"""Random tokens and saturations that exercise a head: outputs of both signs, few of them zero."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.behavioral.tokens import Tokens, token_shapes
from gaincell.config import HeadConfig

PROBE_TOKENS = 64
REACH_TOKENS = 300
OUTPUT_SCALES = np.geomspace(2.0, 0.02, 14)
FEW_ZEROS = 0.3


@dataclass(frozen=True)
class Coverage:
    """How well random outputs exercise a head.

    zeros : share of outputs that are zero
    codes_seen, codes_in_reach : different sub-tile codes, in these tokens and within reach
    positive, negative : an output has this sign
    """

    zeros: float
    codes_seen: int
    codes_in_reach: int
    positive: bool
    negative: bool

    @property
    def sufficient(self) -> bool:
        """Both signs, at most half zeros, and most of the sub-tile codes in reach."""
        most = 2 * self.codes_seen > self.codes_in_reach
        return self.positive and self.negative and self.zeros <= 0.5 and most

    def __str__(self) -> str:
        return f"{self.zeros:.0%} zeros, {self.codes_seen}/{self.codes_in_reach} codes"


def coverage(tokens: Tokens, config: HeadConfig) -> Coverage:
    """Coverage of the outputs for ``tokens``.

    The geometry decides which of the codes -n..n a sub-tile can reach. A code counts as reachable
    if it occurs in these tokens or in a long run of other random ones. Age is counted in steps.
    """
    config = replace(config, age_mode="steps")
    detail = attend_in_detail(*tokens.codes, config, first=tokens.first)
    others = lively_tokens(REACH_TOKENS, config, np.random.default_rng(0))
    seen = np.unique(detail.tile_code)
    in_reach = np.union1d(seen, attend_in_detail(*others.codes, config).tile_code)
    return Coverage(
        float((detail.y_code == 0).mean()),
        len(seen),
        len(in_reach),
        bool((detail.y_code > 0).any()),
        bool((detail.y_code < 0).any()),
    )


def lively_tokens(
    count: int,
    config: HeadConfig,
    rng: np.random.Generator,
    first_share: float = 0.0,
    heads: tuple[int, int] | None = None,
) -> Tokens:
    """Random tokens whose queries and keys lean to the upper codes: more scores are positive.

    ``heads`` as for ``random_tokens``.
    """
    queries, shape = token_shapes(count, config, heads)
    first = rng.random(count) < first_share
    first[0] = True
    return Tokens(
        q_code=rng.integers(0, config.query_max + 1, (2, *queries)).max(axis=0),
        k_code=rng.integers(0, config.key_max + 1, (2, *shape)).max(axis=0),
        v_code=rng.integers(0, config.value_max + 1, shape),
        first=first,
    )


def lively_config(config: HeadConfig, rng: np.random.Generator) -> HeadConfig:
    """``config`` with saturations that spread the outputs of ``lively_tokens``.

    Scores saturate at their standard deviation. Outputs saturate at the largest of some charges
    that leaves few outputs zero, or else at the charge that leaves the fewest. Age is counted in
    steps.
    """
    age_mode = config.age_mode
    config = replace(config, age_mode="steps")
    probe = lively_tokens(PROBE_TOKENS + config.window, config, rng).codes
    spread = float(np.nanstd(attend_in_detail(*probe, config).score)) or 1.0
    config = replace(config, score_saturation=config.s_sat * spread)
    tried = [
        replace(config, output_saturation=config.a_sat * float(scale)) for scale in OUTPUT_SCALES
    ]
    zeros = [float((attend(*probe, trial) == 0).mean()) for trial in tried]
    few = next((at for at, share in enumerate(zeros) if share <= FEW_ZEROS), int(np.argmin(zeros)))
    return replace(tried[few], age_mode=age_mode)


def leaking(config: HeadConfig, slower: float = 1.0) -> HeadConfig:
    """``config`` with refresh, its visits ``slower`` times as long as the shortest there can be.

    A token is as long as an interval, so that columns do not outlive their bound in steps either.
    """
    shortest = replace(config, retention_s=1e3, refresh=True).retention
    assert shortest is not None
    # After its write, a visit leaves patience for one query at least.
    write = shortest.visit_cycles - shortest.patience_cycles
    least = shortest.visits_in_bound * (write + config.interval_cycles) + 1
    bound_s = least * slower * config.clock_s
    retention_s = -bound_s / np.log(1 - 2 * config.retention_error_limit)
    token_s = config.interval_cycles * config.clock_s
    return replace(config, retention_s=float(retention_s), token_s=token_s, refresh=True)


def random_pace(count: int, longest: int, rng: np.random.Generator) -> NDArray[np.integer[Any]]:
    """Waits in cycles (T,): about half of them 0, the others up to ``longest``."""
    waits: NDArray[np.integer[Any]] = rng.integers(0, longest + 1, count)
    return waits * (rng.random(count) < 0.5)
