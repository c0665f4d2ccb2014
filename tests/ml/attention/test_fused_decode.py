"""Decoding by kernels, in Triton's interpreter, against the cache of codes in float64."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_ring_cache import batch, fed
from token_codes import GEOMETRIES
from torch_heads import LEAKING

from gaincell.config import HeadConfig
from gaincell.ml.attention.ring_cache import RingCache

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("triton"),
    pytest.mark.usefixtures("interpreter"),
]
SMALL = replace(LEAKING, sink=3)


def compare(config, tokens, filled, seed, *, heads=2, kept=1, dtype=torch.float32):
    """(codes, how many differ) of the steps after ``filled`` tokens that both caches hold."""
    inputs = batch(config, tokens, seed, heads, kept)
    arrays = ("k", config.key_max), ("v", config.value_max)
    truth = RingCache(config, 2, kept)
    cache = RingCache(config, 2, kept, implementation="triton")
    assert cache.k.dtype == cache.v.dtype == torch.uint8
    if filled:
        fed(truth, inputs, [0, filled])
        for name, largest in arrays:
            getattr(cache, name).copy_(getattr(truth, name) % (largest + 1))
        cache.held.copy_(truth.held)
        cache.length.copy_(truth.length)
    cuts = list(range(filled, tokens + 1))
    whole = fed(truth, inputs, cuts)
    y = fed(cache, [x.to(dtype) for x in inputs], cuts)
    assert y.dtype == dtype
    for name, largest in arrays:
        codes = getattr(truth, name) % (largest + 1)
        assert torch.equal(getattr(cache, name).int(), codes)
    assert torch.equal(cache.held, truth.held)
    assert torch.equal(cache.length, truth.length)
    off = (y.double() - whole).abs()
    assert off.max() <= 1
    return off.numel(), int((off > 0).sum())


@st.composite
def cases(draw):
    columns = draw(st.sampled_from([1, 2, 3, 5, 8, 16, 20, 33, 70]))
    dims = draw(st.sampled_from([1, 3, 8, 17, 32]))
    bits = draw(st.sampled_from([(1, 2), (3, 3), (5, 5), (6, 4), (8, 8)]))
    config = HeadConfig(
        head_dim=dims,
        window=columns * draw(st.integers(1, 3)),
        columns=columns,
        sink=draw(st.sampled_from([0, 1, columns])),
        cell=draw(st.sampled_from(["cubic", "linear", (0.1, 2.0, -1.0), (0.3, 15.0, 4.0, 8.0)])),
        query_bits=draw(st.sampled_from([1, 4, 8])),
        key_bits=bits[0],
        value_bits=bits[1],
        retention_s=draw(st.sampled_from([5e-3, 4e-6, 1e-6])),
        refresh=False,
        score_saturation=draw(st.sampled_from([0.4, 1.6, 4.0])) * dims,
        output_saturation=draw(st.sampled_from([0.2, 0.8])) * columns,
    )
    filled = draw(st.integers(0, 3 * columns))
    heads, kept = draw(st.sampled_from([(1, 1), (2, 1), (2, 2)]))
    return config, filled + 2, filled, draw(st.integers(0, 99)), heads, kept


def test_steps_of_random_geometries_are_those_of_the_cache_in_float64(geometries):
    total = Counter()

    @settings(max_examples=geometries, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(cases())
    def check(case):
        *rest, heads, kept = case
        codes, differ = compare(*rest, heads=heads, kept=kept)
        total.update(codes=codes, differ=differ)

    check()
    assert total["codes"] > 30 * geometries
    assert total["differ"] <= max(1, 1e-4 * total["codes"])


@pytest.mark.parametrize("name", ["odd sizes, full sink", "strong leak", "one column per sub-tile"])
def test_every_step_from_the_first_token_on_and_past_the_wrap(name):
    config = GEOMETRIES[name]
    assert compare(config, 2 * config.window + config.sink, 0, seed=61)[1] == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types(dtype):
    assert compare(SMALL, 30, 27, seed=62, dtype=dtype)[1] == 0


@pytest.mark.parametrize("dims", [64, 96, 128])
def test_every_common_number_of_dimensions(dims):
    config = replace(SMALL, head_dim=dims, score_saturation=0.7 * dims)
    assert compare(config, 30, 28, seed=dims)[1] == 0


def test_a_padded_or_reordered_cache_goes_on_with_the_kernels():
    inputs = batch(SMALL, 20, seed=63)
    found = []
    for implementation, dtype in (("torch", torch.float64), ("triton", torch.float32)):
        cache = RingCache(SMALL, 2, 2, implementation=implementation)
        own = [x.to(dtype) for x in inputs]
        fed(cache, own, [0, 17, 18], torch.tensor([0, 5]))
        cache.reorder(torch.tensor([1, 0]))
        found.append(fed(cache, own, [18, 19, 20]).double())
    assert torch.equal(*found)


def test_float64_with_small_codes_is_torchs():
    inputs = batch(SMALL, 20, seed=64)
    cache = RingCache(SMALL, 2, 2)
    small = RingCache(SMALL, 2, 2)
    small.k, small.v = (x.to(torch.uint8) for x in (small.k, small.v))
    assert torch.equal(fed(small, inputs, [0, 16, 17, 20]), fed(cache, inputs, [0, 16, 17, 20]))
