"""Random tokens, odd geometries, and what a random test must have covered to mean anything."""

import numpy as np

from gaincell.config import HeadConfig

GEOMETRIES: dict[str, HeadConfig] = {
    "one cell": HeadConfig(
        head_dim=1, window=1, columns=1, score_saturation=3.0, output_saturation=4.0
    ),
    "one column per sub-tile": HeadConfig(
        head_dim=3, window=4, columns=1, sink=1, score_saturation=5.0, output_saturation=6.0
    ),
    "one sub-tile": HeadConfig(
        head_dim=4, window=6, columns=6, score_saturation=12.0, output_saturation=9.0
    ),
    "odd sizes": HeadConfig(
        head_dim=5, window=21, columns=7, score_saturation=12.0, output_saturation=9.0
    ),
    "odd sizes, one sink token": HeadConfig(
        head_dim=5, window=21, columns=7, sink=1, score_saturation=12.0, output_saturation=9.0
    ),
    "odd sizes, full sink": HeadConfig(
        head_dim=5, window=21, columns=7, sink=7, score_saturation=12.0, output_saturation=9.0
    ),
    "sink in one sub-tile": HeadConfig(
        head_dim=2, window=3, columns=3, sink=3, score_saturation=7.0, output_saturation=7.0
    ),
    "linear cell": HeadConfig(
        head_dim=5,
        window=8,
        columns=4,
        cell="linear",
        score_saturation=10.0,
        output_saturation=9.0,
    ),
    "own polynomial": HeadConfig(
        head_dim=4,
        window=10,
        columns=5,
        cell=(-0.25, 9.0, 1.5, -4.0, 2.0, 30.0),
        full_scale_v=1.2,
        center_v=0.5,
        score_saturation=10.0,
        output_saturation=9.0,
    ),
    "strong leak": HeadConfig(
        head_dim=5,
        window=12,
        columns=3,
        sink=2,
        retention_s=20e-6,
        score_saturation=10.0,
        output_saturation=7.0,
    ),
    "paired, slow steps": HeadConfig(
        head_dim=3,
        window=6,
        columns=2,
        schedule="paired",
        step_cycles=2,
        sync_stages=2,
        reset_cycles=13,
        score_saturation=7.0,
        output_saturation=5.0,
    ),
}
"""Small and odd: designs that fit one size only fail on these first."""
NAMED = len(GEOMETRIES)
"""The geometries from here on try the widths of codes."""

GEOMETRIES |= {
    f"q{q} k{k} v{v} out{out} bits": HeadConfig(
        head_dim=3,
        window=4,
        columns=2,
        query_bits=q,
        key_bits=k,
        value_bits=v,
        readout_bits=out,
        retention_error=0.25 if k == v == 1 else None,
        score_saturation=5.0,
        output_saturation=3.0,
    )
    for q, k, v, out in [
        (1, 1, 1, 1),
        (2, 8, 1, 5),
        (3, 5, 2, 8),
        (4, 2, 8, 3),
        (5, 7, 3, 6),
        (6, 3, 6, 2),
        (7, 4, 5, 7),
        (8, 6, 4, 4),
    ]
}
"""Every width 1..8 of every code once."""


def random_codes(
    config: HeadConfig, tokens: int, seed: int, group: int | None = None
) -> dict[str, np.ndarray]:
    """Codes q, k, v (tokens, D); keys lean to high codes, so that most columns score.

    With ``group``, q is (tokens, group, D).
    """
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    shape = (tokens, config.head_dim)
    q_shape = shape if group is None else (tokens, group, config.head_dim)
    keys = rng.integers(0, config.key_max + 1, (2, *shape)).max(axis=0)
    return {
        "q_code": rng.integers(0, config.query_max + 1, q_shape),
        "k_code": keys,
        "v_code": rng.integers(0, config.value_max + 1, shape),
    }


def assert_covers(y_code: np.ndarray) -> None:
    """Outputs that could tell a wrong model from a right one: both signs, few zeros."""
    assert (y_code > 0).any()
    assert (y_code < 0).any()
    assert np.count_nonzero(y_code == 0) <= y_code.size / 2
