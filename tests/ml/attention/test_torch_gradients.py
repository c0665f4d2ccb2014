"""Gradients: the true one numerically, the surrogate against the linear cell, straight-through."""

import pytest
import torch
from token_codes import GEOMETRIES
from torch_heads import dense, random_units

from gaincell.cell import LINEAR
from gaincell.config import HeadConfig
from gaincell.ml.attention import attention, parts
from gaincell.ml.attention.numbers import linear_slope

NAMES = ["one column per sub-tile", "odd sizes, full sink", "own polynomial", "strong leak"]


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch):
    monkeypatch.setattr(parts, "BLOCK_QUERIES", 6)
    monkeypatch.setattr(parts, "CHUNK_QUERIES", 12)


@pytest.mark.parametrize("name", [*NAMES, "linear cell"])
def test_true_derivative_passes_gradcheck(name):
    config = GEOMETRIES[name]
    tokens = min(2 * config.window + 3, 27)
    shape = (1, 1, tokens, config.head_dim)
    inputs = random_units((1, 2, *shape[2:]), shape, shape, seed=21)

    def op(q, k, v):
        return attention(q, k, v, config, backward="true", quantise=False)

    assert op(*inputs).abs().max() > 1
    assert torch.autograd.gradcheck(op, inputs, fast_mode=True)


@pytest.mark.parametrize("name", NAMES)
def test_without_rounding_equals_the_dense_contract(name):
    config = GEOMETRIES[name]
    shape = (1, 1, 3 * config.window + 5, config.head_dim)
    q, k, v = random_units(shape, shape, shape, seed=22)
    expected = dense(q[0, 0], k[0, 0], v[0, 0], config)["y"]
    y = attention(q, k, v, config, quantise=False)[0, 0]
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backward", ["surrogate", "true"])
def test_gradient_is_that_of_the_cell_under_the_clip_masks_of_the_forward(name, backward):
    """The gradient of the linear cell, or of the own one, where phi and charge are not clipped."""
    config = GEOMETRIES[name]
    shape = (1, 1, 3 * config.window + 5, config.head_dim)
    q, k, v = random_units(shape, shape, shape, seed=23)
    forward = dense(q[0, 0], k[0, 0], v[0, 0], config)
    score, charge = forward["score"], forward["charge"]
    score_passes = ((score > 0) & (score < 1) & forward["seen"]).double()
    charge_passes = (charge.abs() < 1).double()
    assert 0 < score_passes.sum() < forward["seen"].sum()
    assert 0 < charge_passes.sum() < charge_passes.numel()

    coefficients = None if backward == "true" else (0.0, linear_slope(config))
    cell = dense(q[0, 0], k[0, 0], v[0, 0], config, coefficients)
    # phi has the forward's value and the gradient of this cell's score where that passes.
    passed = cell["score"] * score_passes
    phi = forward["phi"].detach() + passed - passed.detach()
    read = _charge_of(phi, v[0, 0], config, coefficients, forward["tile"])
    dy = torch.randn(shape[2:], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = (read * charge_passes).sum(1) * config.readout_max
    expected = torch.autograd.grad((y * dy).sum(), (q, k, v))

    y = attention(q, k, v, config, backward=backward, quantise=False)
    found = torch.autograd.grad((y[0, 0] * dy).sum(), (q, k, v))
    for one, other in zip(found, expected, strict=True):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def _charge_of(phi, v, config, coefficients, tile):
    position = torch.arange(len(v))
    age = (position[:, None] - position).clamp(min=0)
    remaining = (age.double() * (-config.token_s / config.retention_s)).exp()
    aged = (config.full_scale_v * v - config.center_v) * remaining[:, :, None]
    terms = enumerate(coefficients or config.cell_coefficients)
    response = sum(a * aged**i for i, a in terms)
    return torch.einsum("qt,qtd,tl->qld", phi, response, tile) / config.a_sat


def test_gradient_of_rounded_inputs_passes_straight_through_within_the_codes():
    """At codes, rounding changes neither outputs' charges nor clip masks: gradients agree."""
    config = GEOMETRIES["odd sizes"]
    shape = (1, 1, 40, config.head_dim)
    inputs = random_units(shape, shape, shape, seed=24)
    largest = (config.query_max, config.key_max, config.value_max)
    on_codes = [
        ((x.detach() * most).round() / most).requires_grad_()
        for x, most in zip(inputs, largest, strict=True)
    ]
    off_codes = [
        (x.detach() + 0.3 / most).requires_grad_()
        for x, most in zip(on_codes, largest, strict=True)
    ]
    gradients = []
    for arguments, quantise in ((on_codes, False), (off_codes, True)):
        y = attention(*arguments, config, quantise=quantise)
        gradients.append(torch.autograd.grad(y.sum(), arguments))
    for plain, rounded, x in zip(*gradients, off_codes, strict=True):
        inside = x <= 1
        assert (~inside).any()
        torch.testing.assert_close(rounded[inside], plain[inside], rtol=1e-9, atol=1e-9)
        assert not rounded[~inside].any()


def test_half_types_get_gradients_of_their_own_type():
    config = GEOMETRIES["odd sizes"]
    shape = (1, 2, 50, config.head_dim)
    wide = random_units(shape, shape, shape, seed=26, dtype=torch.float32)
    wide = [x.detach().bfloat16().float().requires_grad_() for x in wide]
    narrow = [x.detach().bfloat16().requires_grad_() for x in wide]
    for arguments in (wide, narrow):
        attention(*arguments, config).sum().backward()
    for one, other in zip(narrow, wide, strict=True):
        assert one.grad.dtype == torch.bfloat16
        assert other.grad.abs().max() > 1e-2
        torch.testing.assert_close(one.grad, other.grad.bfloat16())


@pytest.mark.parametrize("tokens", [40, 400])
def test_keeps_nothing_but_its_inputs_for_backward(tokens):
    config = HeadConfig(**GEOMETRIES["odd sizes, full sink"].fields_set() | {"sink": 0})
    shape = (1, 2, tokens, config.head_dim)
    inputs = random_units(shape, shape, shape, seed=27)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        attention(*inputs, config)
    assert {x.untyped_storage().data_ptr() for x in kept} == {
        x.untyped_storage().data_ptr() for x in inputs
    }


def test_surrogate_of_the_papers_cells_is_their_linear_cell():
    assert linear_slope(HeadConfig()) == linear_slope(HeadConfig(cell="linear")) == LINEAR[1]
    # The least-squares line of a + 2 x is itself.
    assert linear_slope(HeadConfig(cell=(-1.0, 2.0))) == pytest.approx(2.0)
