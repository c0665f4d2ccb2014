"""The arrays are computed exactly, whatever precision a training allows elsewhere."""

import pytest
import torch
from tiny_models import HEAD, MODELS, tokens

from gaincell.ml.attention.exact import exact_products
from gaincell.ml.models.scalers import HeadMaps
from gaincell.ml.start import StartOptions, closed_form

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture
def _medium():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("_medium")
def test_inside_products_are_full_and_after_an_error_as_before():
    def fail_inside():
        with exact_products("cpu"):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.is_autocast_enabled("cpu")
            raise KeyError

    with torch.autocast("cpu", torch.bfloat16), pytest.raises(KeyError):
        fail_inside()
    assert torch.get_float32_matmul_precision() == "medium"


@pytest.mark.usefixtures("_medium")
@pytest.mark.parametrize("bf16", [False, True])
def test_maps_give_the_same_codes_at_any_precision(bf16):
    scalers = HeadMaps(4, 2, 15, dims=64, width=256)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        scalers.q_gain.normal_(generator=generator)
    x = torch.randn(2, 4, 9, 64, generator=generator)
    expected = torch.einsum("bhtd,hde->bhte", x.double(), scalers.q_gain.double()) + 0.5
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        found = scalers.units(x, "q")
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.training
def test_a_start_stays_what_it_is_at_lower_precision():
    """Its offsets are small: none of them cancels against another after rounding."""
    model = MODELS["llama"]().float()
    model = closed_form(model, HEAD, tokens(6, 40), options=StartOptions(rounds=2))
    ids = tokens(2, 40, seed=9)
    expected = model(ids).logits
    with torch.autocast("cpu", torch.bfloat16):
        found = model(ids).logits.float()
    assert (found - expected).square().mean() < 0.05 * expected.square().mean()
