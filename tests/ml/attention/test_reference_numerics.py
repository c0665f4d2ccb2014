"""The switch that computes as the authors' public code does, and numbers that it computed."""

import numpy as np
import pytest
import torch
from token_codes import GEOMETRIES
from torch_heads import code_tensors, dense, random_units, units

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.authors import ReferenceQuirks


def test_golden_outputs_of_the_public_code(shared_file):
    """Ten heads of 64 tokens without rounding; the whole charge decays by exp(-1e-4) a token.

    Their scores are given to 1e-4 of up to 200, which leaves 1e-5 of the outputs' full scale.
    """
    with np.load(shared_file("reference_head_64x64.npz")) as arrays:
        q, k, v, expected = (
            torch.from_numpy(arrays[name].astype(np.float64))[None]
            for name in ("Q", "K", "V", "output")
        )
    config = HeadConfig(token_s=1e-4, retention_s=1.0, refresh=False)
    older = ReferenceQuirks(half_steps=False, charge_decay=True)
    arguments = (q, k / config.full_scale_v, v / config.full_scale_v, config)
    y = attention(*arguments, quantise=False, reference=older) / config.readout_max
    assert expected.std() > 0.1
    assert (y - expected).abs().max() < 2e-5
    newer = attention(*arguments, quantise=False) / config.readout_max
    assert (newer - expected).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["odd sizes", "own polynomial", "q4 k2 v8 out3 bits"])
def test_tiles_by_position_and_half_steps_as_described(name):
    """Every sub-tile of the sequence clipped and rounded on its own, in steps of 1 / (n + 1/2)."""
    config = GEOMETRIES[name]
    codes = code_tensors(config, 4 * config.window + 1, seed=71)
    q, k, v = units(codes, config, torch.float64)
    wide = HeadConfig(**config.fields_set() | {"window": 6 * config.window})
    # A ring that never wraps cuts tiles by position; the window is then cut out of phi by hand.
    head = dense(q[0, 0], k[0, 0], v[0, 0], wide)
    age = torch.arange(q.shape[2])[:, None] - torch.arange(q.shape[2])
    phi = head["phi"] * (age < config.window)
    remaining = (age.clamp(min=0).double() * (-config.token_s / config.retention_s)).exp()
    aged = (config.full_scale_v * v[0, 0] - config.center_v) * remaining[:, :, None]
    response = sum(a * aged**i for i, a in enumerate(config.cell_coefficients))
    charge = torch.einsum("qt,qtd,tl->qld", phi, response, head["tile"]) / config.a_sat
    n = config.readout_max
    step = 1 / (n + 0.5)
    rounded = (charge.clamp(-1, 1).abs() / step + 0.5).floor() * step * charge.sign()
    y = attention(q, k, v, config, reference=ReferenceQuirks())[0, 0]
    torch.testing.assert_close(y, rounded.sum(1) * n, rtol=0, atol=1e-9)
    assert (rounded.abs().max() * n).item() == pytest.approx((n + 1) * n / (n + 0.5))
    merged = attention(q, k, v, config, reference=ReferenceQuirks(sequence_tiles=False))[0, 0]
    assert torch.equal(merged[: config.window], y[: config.window])
    assert not torch.equal(merged, y)


def test_one_sub_tile_has_33_codes_at_four_bits():
    """4-bit read-outs reach 16 half-open steps on either side of zero, not 15."""
    config = HeadConfig(
        head_dim=4, window=4, columns=4, value_bits=8, score_saturation=1.0, output_saturation=5.0
    )
    # 2000 values, four to a row: each dimension of a head reads its own.
    v = torch.linspace(0, 1, 2000, dtype=torch.float64).view(500, 1, 1, 4).expand(-1, 1, 4, 4)
    ones = torch.ones_like(v)
    y = attention(ones, ones, v, config, reference=ReferenceQuirks())[:, :, -1]
    assert len((y * 31 / 30).round().unique()) == 33
    assert (y.max() / config.readout_max).item() == pytest.approx(32 / 31)


@pytest.mark.parametrize("backward", ["surrogate", "true"])
def test_gradients_pass_gradcheck_with_older_decay_and_tiles_by_position(backward):
    config = GEOMETRIES["odd sizes"]
    shape = (1, 1, 30, config.head_dim)
    inputs = random_units(shape, shape, shape, seed=73)
    quirks = ReferenceQuirks(charge_decay=True)
    if backward == "surrogate":
        config = HeadConfig(**config.fields_set() | {"cell": "linear"})

    def op(q, k, v):
        return attention(q, k, v, config, quantise=False, backward=backward, reference=quirks)

    assert torch.autograd.gradcheck(op, inputs, fast_mode=True)
