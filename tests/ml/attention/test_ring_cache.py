"""Decoding from the ring cache: the outputs of the full run, whatever comes between."""

from itertools import pairwise

import pytest
import torch
from token_codes import GEOMETRIES, assert_covers
from torch_heads import code_tensors, units

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.ring_cache import RingCache


def batch(config: HeadConfig, tokens: int, seed: int, heads: int = 4, kept: int = 2):
    """q (2, heads, T, D), k and v (2, kept, T, D), float64."""
    rows = [code_tensors(config, tokens, seed + 100 * row, heads) for row in range(2)]
    q, k, v = (torch.cat(pair) for pair in zip(*rows, strict=True))
    return units([q, k[:, :kept], v[:, :kept]], config, torch.float64)


def fed(cache: RingCache, inputs, cuts: list[int], start=None) -> torch.Tensor:
    """y of the tokens between successive cuts, one call each."""
    parts = []
    for begin, end in pairwise(cuts):
        first = start if begin == 0 else None
        parts.append(cache.attend(*(x[:, :, begin:end] for x in inputs), first))
    return torch.cat(parts, dim=2)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_token_by_token_equals_the_full_run(name):
    config = GEOMETRIES[name]
    tokens = max(3 * config.window + config.sink + 2, 24)
    inputs = batch(config, tokens, seed=51)
    whole = attention(*inputs, config)
    assert_covers(whole.numpy())
    cache = RingCache(config, 2, 2)
    assert torch.equal(fed(cache, inputs, list(range(tokens + 1))), whole)
    assert cache.k.dtype == cache.v.dtype == torch.int32
    assert cache.k.shape[2] == config.window + config.sink
    assert cache.length.tolist() == [tokens, tokens]


@pytest.mark.parametrize("name", ["odd sizes, full sink", "strong leak", "one column per sub-tile"])
@pytest.mark.parametrize("cuts", [[2], [3, 4, 20], [30, 31, 33], [1, 25, 26, 27, 50]])
def test_chunks_of_any_length_and_padded_rows_equal_the_full_run(name, cuts):
    config = GEOMETRIES[name]
    inputs = batch(config, 60, seed=52)
    start = torch.tensor([0, min(2, cuts[0])])
    whole = attention(*inputs, config, start=start)
    found = fed(RingCache(config, 2, 2), inputs, [0, *cuts, 60], start)
    assert torch.equal(found, whole)
    # A row padded by two tokens is two positions behind, for ever.
    cache = RingCache(config, 2, 2)
    cuts = [0, *cuts, *range(cuts[-1] + 1, 61)]
    assert torch.equal(fed(cache, inputs, cuts, start), whole)
    assert cache.length.tolist() == [60, 60 - int(start[1])]


def test_reordered_rows_go_on_from_their_new_past():
    config = GEOMETRIES["odd sizes, one sink token"]
    inputs = batch(config, 40, seed=53)
    cache = RingCache(config, 2, 2)
    fed(cache, inputs, [0, 30])
    cache.reorder(torch.tensor([1, 1]))
    past = [torch.cat([x[[1, 1], :, :30], x[:, :, 30:]], dim=2) for x in inputs]
    found = cache.attend(*(x[:, :, 30:31] for x in inputs))
    assert torch.equal(found, attention(*past, config)[:, :, 30:31])
    assert not torch.equal(found, attention(*inputs, config)[:, :, 30:31])


def test_reordering_may_change_the_number_of_rows():
    config = GEOMETRIES["odd sizes"]
    inputs = batch(config, 12, seed=54)
    cache = RingCache(config, 2, 2)
    fed(cache, inputs, [0, 11])
    cache.reorder(torch.tensor([1, 0, 1]))
    found = cache.attend(*(x[[1, 0, 1], :, 11:] for x in inputs))
    assert torch.equal(found, attention(*inputs, config)[[1, 0, 1], :, 11:])


def test_reset_forgets():
    config = GEOMETRIES["odd sizes, full sink"]
    inputs = batch(config, 30, seed=55)
    cache = RingCache(config, 2, 2)
    fed(cache, inputs, [0, 17, 18])
    cache.reset()
    whole = attention(*inputs, config)
    assert torch.equal(fed(cache, inputs, [0, *range(5, 31)]), whole)


def test_linear_kind_decodes_with_the_linear_cell():
    config = GEOMETRIES["odd sizes"]
    inputs = batch(config, 30, seed=56)
    whole = attention(*inputs, config, kind="linear")
    assert not torch.equal(whole, attention(*inputs, config))
    assert torch.equal(fed(RingCache(config, 2, 2, kind="linear"), inputs, list(range(31))), whole)


@pytest.mark.slow
def test_full_size_in_float32_differs_by_one_step_on_fewer_than_one_in_ten_thousand():
    config = HeadConfig(score_saturation=40.0, output_saturation=12.0)
    inputs = batch(config, 1100, seed=57, heads=2, kept=1)
    whole = attention(*inputs, config)
    narrow = [x.float() for x in inputs]
    y = fed(RingCache(config, 2, 1), narrow, [0, 1000, *range(1001, 1101)])
    difference = (y.double() - whole).abs()
    assert difference.max() <= 1
    assert (difference > 0).double().mean() <= 1e-4
    cache = RingCache(config, 2, 1)
    assert torch.equal(fed(cache, inputs, [0, 1000, *range(1001, 1101)]), whole)


def test_refuses_what_does_not_fit():
    config = GEOMETRIES["odd sizes"]
    cache = RingCache(config, 2, 2)
    q, k, v = batch(config, 3, seed=58)
    with pytest.raises(ValueError, match=r"k has .* \(1, 2, 3\), but the cache and q want"):
        cache.attend(q[:1], k[:1], v[:1])
    with pytest.raises(ValueError, match=r"k has .* \(2, 1, 3\), but the cache and q want"):
        cache.attend(q, k[:, :1], v[:, :1])
    with pytest.raises(ValueError, match=r"rows must be 0\.\.1, but holds"):
        cache.reorder(torch.tensor([0, 2]))
    with pytest.raises(TypeError, match="rows must be a tensor of integers"):
        cache.reorder([0, 1])
    with pytest.raises(ValueError, match="rows has shape"):
        cache.reorder(torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match="batch is 0 and kv_heads 2, but both must be"):
        RingCache(config, 0, 2)
    assert cache.length.tolist() == [0, 0]
