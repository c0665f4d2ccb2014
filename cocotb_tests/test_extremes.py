"""Codes at the ends of their ranges."""

from dataclasses import replace

import numpy as np
import pytest

from gaincell.behavioral.attention import attend_in_detail
from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.verify import verify
from gaincell.config import READOUT_NAMES, HeadConfig

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

CONFIG = HeadConfig(head_dim=8, window=16, columns=4, sink=4)


def constant_tokens(count: int, q: int, k: int, v: int, config: HeadConfig) -> Tokens:
    shape = (count, config.head_dim)
    first = np.arange(count) == 0
    return Tokens(np.full(shape, q), np.full(shape, k), np.full(shape, v), first)


@pytest.mark.parametrize("readout", READOUT_NAMES)
@pytest.mark.parametrize("schedule", ["overlapped", "paired"])
def test_every_sub_tile_reaches_full_scale_both_ways(readout: str, schedule: str) -> None:
    config = replace(CONFIG, readout=readout, schedule=schedule)
    laps = 2 * config.window
    full = (config.query_max, config.key_max)
    parts = [
        constant_tokens(laps, *full, config.value_max, config),
        constant_tokens(laps, *full, 0, config),
    ]
    tokens = Tokens.concatenate(parts)
    detail = attend_in_detail(*tokens.codes, config, first=tokens.first)
    assert (detail.tile_code.max(axis=0) == config.readout_max).all()
    assert (detail.tile_code.min(axis=0) == -config.readout_max).all()
    assert detail.y_code.max() == config.result_max
    assert detail.y_code.min() == -config.result_max
    verify(config, tokens)


@pytest.mark.parametrize("readout", READOUT_NAMES)
@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_all_zero_codes_answer_zero(readout: str, transport: str) -> None:
    config = replace(CONFIG, readout=readout)
    simulated = verify(config, constant_tokens(20, 0, 0, 0, config), transport=transport)
    assert not simulated.y_code.any()


@pytest.mark.parametrize("transport", ["fast", "per-ns"])
def test_all_largest_codes_are_exact(transport: str) -> None:
    config = CONFIG
    tokens = constant_tokens(50, config.query_max, config.key_max, config.value_max, config)
    simulated = verify(config, tokens, transport=transport)
    assert simulated.y_code.max() == config.result_max
