"""The kernels for GPUs in Triton's interpreter, on the CPU, against the torch op in float64."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch_heads import LEAKING

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.forward import part_gradients, part_outputs
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import ring_part
from gaincell.ml.attention.quantisers import codes_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("triton"),
    pytest.mark.usefixtures("interpreter"),
]
GRADIENTS = {torch.float32: 1e-5, torch.bfloat16: 1e-2, torch.float16: 2e-3}
"""Largest relative distance of a gradient; of a half type it is mostly its own rounding."""


def results(op, inputs, upstream):
    leaves = [x.detach().requires_grad_() for x in inputs]
    y = op(*leaves)
    y.backward(upstream.to(y.dtype))
    return y.detach(), [x.grad for x in leaves]


def compare(config, inputs, *, dtype=torch.float32, **options):
    """(codes, how many differ, by how much) of the kernels against the torch op in float64.

    Gradients too: one may be off where the torch op's in float32 is, at a pulse that is just 0
    or 1.
    """
    own = [x.to(dtype) for x in inputs]
    upstream = torch.randn(own[0].shape, generator=torch.Generator().manual_seed(1))
    upstream = upstream.to(own[0].device)
    op = partial(attention, config=config, **options)
    truth, expected = results(op, [x.double() for x in own], upstream.double())
    y, found = results(partial(op, implementation="triton"), own, upstream)
    _, same = results(partial(op, implementation="torch"), own, upstream)
    assert y.dtype == dtype
    for gradient, other, exact in zip(found, same, expected, strict=True):
        assert gradient.dtype == dtype
        assert gradient.shape == exact.shape
        size = exact.norm() + 1e-12
        allowed = GRADIENTS[dtype] + 2 * (other.double() - exact).norm() / size
        assert (gradient.double() - exact).norm() / size < allowed
    off = (y.double() - truth).abs()
    if not options.get("quantise", True):
        assert off.max() < 2e-4
        return 0, 0, 0.0
    return off.numel(), int((off > 0).sum()), float(off.max())


def inputs_of(config, tokens, *, keys=None, heads=1, kv_heads=1, seed=0):
    """Codes over the largest code, each a little beside: those at the ends lie beyond 0..1 too."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [(heads, tokens), (kv_heads, keys or tokens), (kv_heads, keys or tokens)]
    found = []
    for (each, size), bits in zip(sizes, config_bits(config), strict=True):
        shape, most = (1, each, size, config.head_dim), (1 << bits) - 1
        code = (torch.rand(shape, generator=generator).pow(0.6) * most).round()
        found.append((code + 0.6 * torch.rand(shape, generator=generator) - 0.3) / most)
    return found


def config_bits(config):
    return config.query_bits, config.key_bits, config.value_bits


@st.composite
def cases(draw):
    """A head, its inputs and the options of a call.

    Sizes are small, as an interpreted sub-tile of one block of queries takes 15 ms.
    """
    columns = draw(st.sampled_from([1, 2, 3, 5, 8, 16, 20, 32]))
    dims = draw(st.sampled_from([1, 3, 8, 16, 17]))
    bits = draw(st.sampled_from([(1, 2), (3, 3), (4, 4), (5, 5), (6, 4), (8, 8)]))
    config = HeadConfig(
        head_dim=dims,
        window=columns * draw(st.integers(1, 3)),
        columns=columns,
        sink=draw(st.sampled_from([0, 0, 1, columns])),
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
    keys = draw(st.integers(1, min(4 * columns, 50)))
    tokens = draw(st.integers(1, keys))
    heads, kv_heads = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 2)]))
    seed = draw(st.integers(0, 99))
    inputs = inputs_of(config, tokens, keys=keys, heads=heads, kv_heads=kv_heads, seed=seed)
    return (
        config,
        inputs,
        {
            "backward": draw(st.sampled_from(["surrogate", "true"])),
            "quantise": draw(st.sampled_from([True, True, True, True, False])),
        },
    )


def test_codes_and_gradients_of_random_geometries_are_those_of_the_torch_op(geometries):
    total = Counter()

    @settings(max_examples=geometries, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(cases())
    def check(case):
        config, inputs, options = case
        codes, differ, most = compare(config, inputs, **options)
        assert most <= 1
        total.update(cases=1, codes=codes, differ=differ)

    check()
    assert total["cases"] >= geometries
    assert total["codes"] > 30 * geometries
    assert total["differ"] <= max(1, 1e-4 * total["codes"])


@pytest.mark.parametrize("dims", [32, 64, 96, 128])
def test_every_common_number_of_dimensions(dims):
    config = replace(LEAKING, head_dim=dims, score_saturation=0.7 * dims, window=16)
    assert compare(config, inputs_of(config, 20, seed=dims))[1] == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_are_inputs_and_outputs_only(dtype):
    config = replace(LEAKING, sink=2)
    assert compare(config, inputs_of(config, 30, heads=2), dtype=dtype)[1] == 0


def test_a_sub_tile_adds_up_after_the_wrap_before_it_is_clipped():
    # Most charges clip, and each query sees parts of two laps of one sub-tile.
    config = replace(LEAKING, window=16, output_saturation=1.0, score_saturation=2.0)
    inputs = inputs_of(config, 40, seed=3)
    assert compare(config, inputs)[1] == 0
    whole, window = attention(*inputs, config), config.window
    assert (whole.abs().amax(dim=(0, 1, 3))[window:] <= 2 * config.readout_max).all()
    assert whole.abs().max() == 2 * config.readout_max


@pytest.mark.parametrize("retention", [1e-6, 1e-7])
def test_steep_decay_overflows_nowhere(retention):
    config = replace(LEAKING, retention_s=retention, output_saturation=0.5, score_saturation=0.5)
    assert compare(config, inputs_of(config, 40, seed=4))[1] == 0


def test_left_padding_and_an_offset_reach_the_kernels():
    config = replace(LEAKING, sink=3)
    q, k, v = (torch.cat([x, x.flip(2)]) for x in inputs_of(config, 20, seed=5))
    assert compare(config, [q, k, v], start=torch.tensor([0, 7]))[1] == 0
    config = replace(LEAKING, window=16)
    assert compare(config, inputs_of(config, 12, keys=30, seed=6), offset=50)[1] == 0


def test_gradients_need_no_kept_charges_and_vmap_maps_heads():
    work, plain = (
        Work(Numbers.of(LEAKING, implementation=each), ring_part(LEAKING), 0, 0, 1)
        for each in ("triton", "torch")
    )
    q, k, v = (x[0] for x in inputs_of(LEAKING, 20, heads=2, kv_heads=2, seed=7))
    dy = torch.randn(q.shape, generator=torch.Generator().manual_seed(2))
    found = part_gradients(q, k, v, dy, work)
    expected = part_gradients(q, k, v, dy, plain)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    op = partial(attention, config=LEAKING, implementation="triton")
    each = torch.func.vmap(op)(*(x[:, None, None] for x in (q, k, v)))
    assert torch.equal(each[:, 0, 0], part_outputs(q, k, v, work))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bits", [3, 4, 8])
def test_codes_are_those_of_the_torch_op_at_every_half_and_beyond_both_ends(
    interpreter, bits, dtype
):
    config = replace(LEAKING, query_bits=bits, key_bits=bits, value_bits=bits)
    most = (1 << bits) - 1
    halves = torch.arange(-3, 2 * most + 4) / 2 / most
    near = torch.stack([halves, halves.nextafter(halves - 1), halves.nextafter(halves + 1)])
    x = torch.nn.functional.pad(near.flatten(), (0, -near.numel() % 8)).view(1, -1, 8).to(dtype)
    launch = interpreter.Launch(x, x, x, Work(Numbers.of(config), ring_part(config), 0, 0, 1))
    code = codes_of(x.float(), most)
    u = 2 * code - most
    square = (u * u - 1) / 8 if launch.constants.reduced else u * u
    cube = (u**3 - u) / 24 if launch.constants.reduced else u**3
    assert torch.equal(launch.q.float(), code)
    for basis in (launch.k, launch.v):
        assert torch.equal(basis.float(), torch.stack([u, square, cube]))
