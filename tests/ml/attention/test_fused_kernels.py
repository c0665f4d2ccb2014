"""The kernels for GPUs in Triton's interpreter, on the CPU, against the torch op."""

import os
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.fused.choice import VARIABLE, implementation_for

os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when a kernel is defined.
pytest.importorskip("triton", reason="Triton is not installed")
from gaincell.ml.attention.fused import launch  # noqa: E402

del os.environ["TRITON_INTERPRET"]

SMALL = HeadConfig(
    head_dim=8,
    window=24,
    columns=8,
    score_saturation=6.0,
    output_saturation=3.0,
    retention_s=4e-6,
    refresh=False,
)
GRADIENTS = {torch.float32: 2e-5, torch.bfloat16: 1e-2, torch.float16: 2e-3}
"""Largest relative distance of a gradient; of a half type it is mostly its own rounding."""


@pytest.fixture(autouse=True)
def interpreter(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(launch, "blocks_of", lambda *_: launch.Blocks(16, 16, 4, 1))


def results(op, inputs, upstream):
    leaves = [x.detach().requires_grad_() for x in inputs]
    y = op(*leaves)
    y.backward(upstream.to(y.dtype))
    return y.detach(), [x.grad for x in leaves]


def compare(config, inputs, *, dtype=torch.float32, **options):
    """Every code of the kernels, and their gradients, against the torch op in float64.

    A gradient may be off where the torch op in float32 is: at a pulse that is just 0 or 1.
    """
    own = [x.to(dtype) for x in inputs]
    upstream = torch.randn(own[0].shape, generator=torch.Generator().manual_seed(1))
    op = partial(attention, config=config, **options)
    truth, expected = results(op, [x.double() for x in own], upstream.double())
    y, found = results(partial(op, implementation="triton"), own, upstream)
    near, same = results(partial(op, implementation="torch"), own, upstream)
    if options.get("quantise", True):
        assert torch.equal(y.double(), truth) or not torch.equal(near.double(), truth)
    else:
        assert (y.double() - truth).abs().max() < 2e-4 or dtype != torch.float32
    for gradient, other, exact in zip(found, same, expected, strict=True):
        size = exact.norm() + 1e-12
        allowed = GRADIENTS[dtype] + 2 * (other.double() - exact).norm() / size
        assert (gradient.double() - exact).norm() / size < allowed


def units(config, tokens, keys, heads, kv_heads, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(1, each, size, config.head_dim) for each, size in ((heads, tokens), (kv_heads, keys))]
    shapes.append(shapes[1])
    return [torch.rand(shape, generator=generator).pow(0.6) for shape in shapes]


@st.composite
def cases(draw):
    """A head, its inputs and the options of a call."""
    columns = draw(st.sampled_from([1, 2, 3, 5, 8, 16, 20, 32]))
    tiles = draw(st.integers(1, 4))
    dims = draw(st.sampled_from([1, 3, 8, 16, 17, 32]))
    bits = draw(st.sampled_from([(1, 2), (3, 3), (4, 4), (5, 5), (6, 4), (8, 8)]))
    config = HeadConfig(
        head_dim=dims,
        window=columns * tiles,
        columns=columns,
        sink=draw(st.integers(0, columns)),
        cell=draw(st.sampled_from(["cubic", "linear", (0.1, 2.0, -1.0), (0.3, 15.0, 4.0, 8.0)])),
        query_bits=draw(st.sampled_from([1, 4, 8])),
        key_bits=bits[0],
        value_bits=bits[1],
        retention_s=draw(st.sampled_from([5e-3, 4e-6, 1e-6])),
        refresh=False,
        score_saturation=draw(st.sampled_from([0.4, 1.6, 4.0])) * dims,
        output_saturation=draw(st.sampled_from([0.2, 0.8])) * columns,
        center_v=draw(st.sampled_from([0.45, 0.4])),
    )
    tokens = draw(st.integers(1, min(2 * config.window + 5, 60)))
    keys = tokens + draw(st.integers(0, 20))
    kv_heads = draw(st.integers(1, 2))
    heads = kv_heads * draw(st.integers(1, 2))
    inputs = units(config, tokens, keys, heads, kv_heads, draw(st.integers(0, 99)))
    backward = draw(st.sampled_from(["surrogate", "true"]))
    return config, inputs, {"backward": backward, "quantise": draw(st.sampled_from([True] * 4 + [False]))}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_random_geometries(part):
    @settings(max_examples=55, deadline=None, derandomize=True, database=None)
    @given(cases())
    def check(case):
        config, inputs, options = case
        compare(config, inputs, **options)

    # Each part draws examples of its own: they are derived from the name.
    check.__qualname__ = f"{check.__qualname__}{part}"
    check.hypothesis.inner_test.__qualname__ = check.__qualname__
    check()
