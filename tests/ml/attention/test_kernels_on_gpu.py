"""The kernels compiled, on a GPU: codes and gradients of the torch op, and decoding in a graph."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from test_fused_kernels import compare, inputs_of
from torch_heads import LEAKING

from gaincell.config import HeadConfig
from gaincell.ml.attention.fused.choice import implementation_for
from gaincell.ml.attention.ring_cache import RingCache

pytestmark = [pytest.mark.gpu, pytest.mark.needs("gpu")]
HEAD = HeadConfig(score_saturation=40.0, output_saturation=10.0)
HEADS = [
    HEAD,
    replace(HEAD, sink=4),
    replace(HEAD, head_dim=96, score_saturation=60.0, window=192),
    replace(HEAD, cell="linear", window=256, columns=128),
    replace(HEAD, query_bits=8, key_bits=8, value_bits=8, refresh=False, window=128),
    replace(LEAKING, sink=2),
    replace(LEAKING, head_dim=17, retention_s=1e-6),
]


def test_kernels_are_chosen():
    assert implementation_for(HEAD, torch.device("cuda")) == "triton"


@pytest.mark.parametrize(("config", "backward"), [*product(HEADS, ["surrogate"]), (HEAD, "true")])
def test_codes_and_gradients_are_those_of_the_torch_op(config, backward):
    tokens = config.window + config.window // 2 + 3
    inputs = [x.cuda() for x in inputs_of(config, tokens, heads=4, kv_heads=2)]
    codes, differ, most = compare(config, inputs, backward=backward)
    assert differ <= 1e-3 * codes
    assert most <= 2


@pytest.mark.parametrize("config", HEADS)
def test_a_step_in_a_graph_is_that_of_the_cache_on_a_cpu(config):
    before, steps = config.window + 5, 12
    inputs = inputs_of(config, before + steps, heads=4, kv_heads=2)
    truth, cache = RingCache(config, 1, 2), RingCache(config, 1, 2, device="cuda")
    truth.attend(*(x[:, :, :before].double() for x in inputs))
    cache.attend(*(x[:, :, :before].cuda() for x in inputs))
    token = [x[:, :, :1].cuda() for x in inputs]
    length = cache.length.clone()
    kept = cache.k.clone(), cache.v.clone(), cache.held.clone()
    cache.attend(*token)  # Compiles.
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = cache.attend(*token)
    for held, old in zip((cache.k, cache.v, cache.held), kept, strict=True):
        held.copy_(old)
    cache.length.copy_(length)
    differ = 0
    for at in range(before, before + steps):
        new = [x[:, :, at : at + 1] for x in inputs]
        for place, x in zip(token, new, strict=True):
            place.copy_(x)
        graph.replay()
        exact = truth.attend(*(x.double() for x in new))
        off = (y.double().cpu() - exact).abs()
        assert off.max() <= 1
        differ += int((off > 0).sum())
    assert torch.equal(cache.length.cpu(), truth.length)
    assert torch.equal(cache.held.cpu(), truth.held)
    assert torch.equal(cache.k.cpu().int(), truth.k % (config.key_max + 1))
    assert torch.equal(cache.v.cpu().int(), truth.v % (config.value_max + 1))
    assert differ <= 2e-3 * steps * y.numel()
