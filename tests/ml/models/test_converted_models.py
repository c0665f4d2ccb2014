"""Hugging Face models on the hardware: what they compute, with and without a cache."""

import pytest
import torch
from tiny_models import FULL, HEAD, MODELS, gpt2, llama, tokens
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel, DynamicCache, StaticCache

from gaincell.config import HeadConfig
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.convert import convert
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture(params=MODELS)
def stock(request):
    return MODELS[request.param]()


@pytest.fixture
def hardware(stock):
    """Layers 0 and 2 on hardware with fitted ranges, layer 1 stock."""
    model = convert(stock, HEAD, layers=[0, 2])
    fit_ranges(model, tokens(4, 60, seed=4))
    return model


def generated(model, ids, count=16, **options):
    options = {"do_sample": False, "max_new_tokens": count, "pad_token_id": 0} | options
    return model.generate(ids, **options)


@pytest.mark.parametrize("kind", ["softmax", "stock"])
def test_softmax_with_the_whole_text_in_the_window_is_the_stock_model(stock, kind):
    ids = tokens(3, 40)
    expected = stock(ids).logits
    model = convert(stock, FULL, kind)
    assert isinstance(model, HardwareModel)
    torch.testing.assert_close(model(ids).logits, expected)
    convert(model, HEAD, kind)
    assert torch.allclose(model(ids).logits, expected) == (kind == "stock")


def test_each_kind_computes_something_else(stock):
    ids = tokens(2, 40)
    found = [stock(ids).logits]
    for kind in ("softmax", "linear", "hardware"):
        model = convert(stock, HEAD, kind)
        found.append(model(ids).logits)
    for one in range(4):
        for other in range(one):
            assert not torch.allclose(found[one], found[other])


def test_generation_from_the_arrays_equals_that_without_a_cache(hardware):
    ids = tokens(3, 12)
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    expected = generated(hardware, ids, attention_mask=mask, use_cache=False)
    assert len(expected[:, 12:].unique()) > 3
    assert torch.equal(generated(hardware, ids, attention_mask=mask), expected)
    plain = DynamicCache(config=hardware.config)
    assert torch.equal(
        generated(hardware, ids, attention_mask=mask, past_key_values=plain), expected
    )
    alone = generated(hardware, ids[1:2, 5:])
    assert torch.equal(alone[0, 7:], expected[1, 12:])


def test_beam_search_reorders_the_arrays(hardware):
    ids = tokens(2, 9)
    expected = generated(hardware, ids, num_beams=3, use_cache=False)
    assert torch.equal(generated(hardware, ids, num_beams=3), expected)


def test_logits_from_the_arrays_equal_the_full_run_beyond_the_window(hardware):
    ids = tokens(2, 50)
    expected = hardware(ids).logits
    cache = HardwareCache(hardware.config)
    parts = []
    for begin, end in ((0, 20), (20, 21), (21, 22), (22, 40), *((t, t + 1) for t in range(40, 50))):
        parts.append(hardware(ids[:, begin:end], past_key_values=cache).logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), expected)
    assert cache.get_seq_length() == 50
    assert cache.layers[0].ring.k.shape[2] == HEAD.window + HEAD.sink


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_rows_give_the_logits_of_rows_without_padding(hardware, side):
    ids = tokens(3, 30)
    mask = torch.ones_like(ids)
    real = slice(8, None) if side == "left" else slice(0, 22)
    mask[1] = 0
    mask[1, real] = 1
    position = (mask.cumsum(1) - 1).clamp(min=0)
    padded = hardware(ids, attention_mask=mask, position_ids=position).logits
    alone = hardware(ids[1:2, real]).logits
    torch.testing.assert_close(padded[1:2, real], alone)
    torch.testing.assert_close(padded[0], hardware(ids[:1]).logits[0])
    unmasked = hardware(ids).logits[1:2, real]
    assert torch.allclose(unmasked, alone) == (side == "right")


def test_gradient_checkpointing_gives_the_same_gradients(hardware):
    ids = tokens(2, 40)
    gradients = []
    for checkpointing in (False, True):
        hardware.train()
        for module in hardware.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if checkpointing:
            hardware.activation_checkpointing_enable()
        hardware.zero_grad()
        logits = hardware(ids, use_cache=False).logits
        cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
        gradients.append({name: p.grad.clone() for name, p in hardware.named_parameters()})
    plain, recomputed = gradients
    for name, gradient in plain.items():
        torch.testing.assert_close(recomputed[name], gradient)
        if "_gain" in name:
            assert gradient.abs().max() > 0


def test_fitted_ranges_bring_the_model_nearer_to_its_stock_self(stock):
    ids = tokens(4, 60)
    expected = stock(ids).logits
    model = convert(stock, FULL)
    before = (model(ids).logits - expected).square().mean()
    fit_ranges(model, tokens(4, 60, seed=5))
    after = (model(ids).logits - expected).square().mean()
    assert after < before


def test_fitting_ranges_leaves_the_model_as_it_was_if_it_fails(hardware):
    kinds = list(hardware.config.gaincell["kinds"])
    with pytest.raises(ValueError, match="input_ids has shape"):
        fit_ranges(hardware, tokens(1, 5)[0])
    assert hardware.config.gaincell["kinds"] == kinds


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None,), TypeError, "config is NoneType, but must be HeadConfig"),
        ((HEAD, "cubic"), ValueError, "kind is 'cubic', but must be one of softmax"),
        ((HEAD, "linear", [0, 3]), ValueError, r"layers names 3, but must be 0\.\.2"),
        ((HeadConfig(),), ValueError, "heads have 16 dimensions, but head_dim .* is 64"),
    ],
)
def test_refuses_in_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message):
        convert(gpt2(), *arguments)


def test_refuses_a_model_of_another_family():
    small = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16
    )
    with pytest.raises(TypeError, match="the model is BertModel, but must be one of GPT2LMHead"):
        convert(BertModel(small), HEAD)


def test_refuses_what_the_arrays_cannot_do():
    model = convert(llama(), HEAD)
    ids = tokens(1, 8)
    with pytest.raises(ValueError, match="several sequences in one row"):
        model(ids, position_ids=torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3]]), use_cache=False)
    with pytest.raises(ValueError, match="a cache of fixed or sliding size was given"):
        model(ids, past_key_values=StaticCache(config=model.config, max_cache_len=32))
    with pytest.raises(ValueError, match="a ready-made attention mask was given"):
        model(ids, attention_mask=torch.ones(1, 1, 8, 8))
    with pytest.raises(ValueError, match="a gap between real tokens"):
        model(ids, attention_mask=torch.tensor([[1, 1, 0, 0, 1, 1, 1, 1]]))
    with pytest.raises(ValueError, match="this is a hardware model"):
        model.set_attn_implementation("sdpa")
    cache = HardwareCache(model.config)
    model(ids, past_key_values=cache)
    with pytest.raises(ValueError, match="the arrays cannot take tokens back"):
        cache.layers[0].crop(-1)
    convert(model, HEAD, "stock")
    assert not [name for name, _ in model.named_parameters() if "gaincell" in name]


def test_attention_dropout_is_off():
    model = convert(gpt2(), HEAD).train()
    assert model.config.attn_pdrop == 0
    model(tokens(1, 8))
