"""Rounding as the hardware does it, with straight-through gradients."""

import numpy as np
import pytest
import torch

from gaincell.behavioral import attention as numpy_attention
from gaincell.config import HeadConfig
from gaincell.ml.attention.quantisers import codes_of, quantise, read_out


@pytest.mark.parametrize("bits", range(1, 9))
def test_read_out_rounds_as_the_contract_just_below_at_and_above_every_half(bits):
    config = HeadConfig(readout_bits=bits, output_saturation=1.0)
    n = config.readout_max
    halves = np.arange(n) + 0.5
    steps = np.concatenate([[0.0, n, n + 3.0], np.nextafter(halves, 0), halves,
                            np.nextafter(halves, np.inf), np.arange(n + 1.0)])  # fmt: skip
    steps = np.concatenate([steps, -steps])
    counted = np.sum(np.minimum(np.abs(steps), n)[:, None] >= halves, axis=1)
    found = read_out(torch.from_numpy(steps), n)
    np.testing.assert_array_equal(found.numpy(), np.sign(steps) * counted)
    # behavioral scales by n / a_sat itself: exact where n is a power of two only, so ask for n = 1.
    if n == 1:
        np.testing.assert_array_equal(numpy_attention.read_out(steps, config)[0], found.numpy())


def test_read_out_in_float32_keeps_a_value_just_below_a_half_below():
    below = torch.tensor(0.5).nextafter(torch.tensor(0.0))
    assert read_out(below, 15) == 0
    assert read_out(torch.tensor(0.5), 15) == 1


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_quantise_gives_the_nearest_code_and_every_code(bits):
    largest = 2**bits - 1
    x = torch.linspace(-0.2, 1.2, 5000, dtype=torch.float64, requires_grad=True)
    y = quantise(x, bits)
    codes = (y * largest).detach()
    torch.testing.assert_close(codes, codes.round())
    assert len(codes.round().unique()) == largest + 1
    assert (y - x.clamp(0, 1)).abs().max() <= 0.5 / largest + 1e-12
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, ((x >= 0) & (x <= 1)).double())


def test_codes_survive_half_types():
    codes = torch.arange(256.0)
    for dtype in (torch.bfloat16, torch.float16):
        x = (codes[:16] / 15).to(dtype).float()
        assert torch.equal(codes_of(x, 15), codes[:16])


def test_read_out_gradient_passes_where_the_charge_is_not_clipped():
    x = torch.tensor([-16.0, -15.0, -3.2, 0.0, 7.7, 15.0, 16.0], requires_grad=True)
    read_out(x, 15).sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("bits", [0, 9])
def test_quantise_refuses_a_width_no_code_has(bits):
    with pytest.raises(ValueError, match=f"bits is {bits}, but a code has 1..8 bits"):
        quantise(torch.zeros(1), bits)
