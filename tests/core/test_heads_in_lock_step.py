"""Heads that share control: each computes what it computes alone."""

import numpy as np
import pytest

from gaincell.behavioral.attention import attend, attend_in_detail
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.lively import lively_config, lively_tokens
from gaincell.behavioral.pins import ArrayPins
from gaincell.behavioral.tokens import check_heads, random_tokens
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig

SEED = 41
HEAD = HeadConfig(head_dim=3, window=6, columns=3, sink=1, retention_s=2e-5, refresh=False)
HEADS, GROUPS = 6, 2


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(SEED)
    config = lively_config(HEAD, rng)
    return config, lively_tokens(30, config, rng, 0.1, (HEADS, GROUPS))


def test_attend_computes_every_head_with_the_keys_of_its_group(case):
    config, tokens = case
    y_code = attend(*tokens.codes, config, first=tokens.first)
    detail = attend_in_detail(*tokens.codes, config, first=tokens.first)
    assert y_code.shape == tokens.q_code.shape
    assert len(np.unique(y_code)) > 5
    np.testing.assert_array_equal(detail.y_code, y_code)
    assert detail.tile_code.shape == (30, HEADS, config.tiles, 3)
    assert detail.score.shape == (30, HEADS, config.slots)
    for head in range(HEADS):
        group = head // (HEADS // GROUPS)
        alone = attend(
            tokens.q_code[:, head],
            tokens.k_code[:, group],
            tokens.v_code[:, group],
            config,
            first=tokens.first,
        )
        np.testing.assert_array_equal(y_code[:, head], alone)


def test_refuses_heads_that_are_no_multiple_of_the_groups(case):
    config, tokens = case
    said = "q has 5 heads and k has 2, but the heads of q must be a multiple of those of k"
    with pytest.raises(ValueError, match=said):
        attend(tokens.q_code[:, :5], tokens.k_code, tokens.v_code, config)


def test_lock_step_puts_head_g_of_every_group_into_query_g(case):
    _, tokens = case
    joined = tokens.in_lock_step()
    assert joined.q_code.shape == (30, HEADS // GROUPS, GROUPS * 3)
    np.testing.assert_array_equal(joined.q_code[7, 2, 3:], tokens.q_code[7, 5])
    np.testing.assert_array_equal(joined.k_code[7, 3:], tokens.k_code[7, 1])
    np.testing.assert_array_equal(tokens.of_heads(joined.q_code), tokens.q_code)


@pytest.mark.parametrize("name", ["K", "V"])
@pytest.mark.parametrize("leak_spread", [0.0, 0.3])
def test_arrays_of_groups_read_what_each_reads_alone(name, leak_spread):
    rng = np.random.default_rng(SEED)
    faults = Faults(leak_spread=leak_spread, gain_mismatch=0.1, dac_inl_lsb=0.2)
    both = CellArray(name, HEAD, faults, np.random.default_rng(1), GROUPS)
    alone = [CellArray(name, HEAD, faults, np.random.default_rng(1)) for _ in range(GROUPS)]
    for group, array in enumerate(alone):
        array._gain, array._bow = both._gain[group], both._bow[group]
        array._constant = both._constant[group]
        array._leak = None if both._leak is None else both._leak[group]
    for slot in range(HEAD.stored_columns):
        codes = rng.integers(0, 8, (GROUPS, 3))
        both.clock = slot
        both.write(np.array([slot]), codes)
        for array, own in zip(alone, codes, strict=True):
            array.clock = slot
            array.write(np.array([slot]), own)
    stored = slice(HEAD.stored_columns)
    if name == "K":
        drive = rng.random((GROUPS, 3))
        read = both.read_columns(drive, 0.9)
        each = [array.read_columns(own, 0.9) for array, own in zip(alone, drive, strict=True)]
        np.testing.assert_allclose(read[:, stored], np.stack(each)[:, stored], rtol=1e-12)
    else:
        drive = rng.random((GROUPS, HEAD.slots)) * both.exists
        read = both.read_tiles(drive, 0.9)
        each = [array.read_tiles(own, 0.9) for array, own in zip(alone, drive, strict=True)]
        np.testing.assert_allclose(read[:, :-1], np.stack(each)[:, :-1], rtol=1e-12)


def test_pins_of_groups_have_the_wires_of_all():
    pins = ArrayPins(HEAD, groups=GROUPS)
    pulse, sign = pins.outputs()
    assert pulse == 0
    assert sign < 1 << GROUPS * HEAD.tiles * 3


def test_tokens_must_have_the_heads_of_the_core():
    rng = np.random.default_rng(SEED)
    core = CoreConfig(head=HEAD, heads=HEADS, heads_per_group=HEADS // GROUPS)
    check_heads(random_tokens(4, HEAD, rng, core.heads_and_groups), core)
    check_heads(random_tokens(4, HEAD, rng), CoreConfig(head=HEAD))
    for heads in (None, (HEADS, 3)):
        with pytest.raises(ValueError, match="but must have 6 in 2"):
            check_heads(random_tokens(4, HEAD, rng, heads), core)
