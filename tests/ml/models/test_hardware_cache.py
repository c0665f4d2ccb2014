"""A ``HardwareCache`` serves the model that it was made for, and refuses all others."""

import copy
from dataclasses import replace

import pytest
import torch
from tiny_models import HEAD, MODELS, gpt2, tokens
from transformers import DynamicCache, EncoderDecoderCache, GPT2Config, GPT2LMHeadModel

from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.convert import convert
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")

FOREIGN = "this HardwareCache was made for another model"


@pytest.fixture(params=MODELS)
def family(request):
    return MODELS[request.param]


@pytest.fixture
def model(family):
    model = convert(family(), HEAD, layers=[0, 2])
    fit_ranges(model, tokens(4, 60, seed=4))
    return model


@pytest.fixture
def cache(model):
    """With the first 12 tokens of two rows in it."""
    cache = HardwareCache(model.config)
    with torch.no_grad():
        model(tokens(2, 20)[:, :12], past_key_values=cache)
    return cache


def go_on(model, cache, rows=(0, 1)):
    """Logits of the last 8 tokens, from the cache and without one."""
    ids = tokens(2, 20)[list(rows)]
    found = model(ids[:, 12:], past_key_values=cache).logits
    return found, model(ids, use_cache=False).logits[:, 12:]


@pytest.mark.parametrize(
    "other",
    [
        lambda family: family(),
        lambda family: convert(family(), HEAD, layers=[0, 2]),
        lambda family: convert(family(), replace(HEAD, window=8), layers=[0, 2]),
        lambda family: convert(family(), HEAD, layers=[1]),
        lambda family: convert(family(), HEAD, "stock"),
    ],
    ids=["stock", "same settings", "another window", "other layers", "no layer"],
)
def test_refuses_another_model(family, model, cache, other):
    for given in (cache, HardwareCache(model.config)):
        with pytest.raises(ValueError, match=FOREIGN):
            other(family)(tokens(2, 4), past_key_values=given)


def test_refuses_its_model_converted_anew(model, cache):
    convert(model, replace(HEAD, window=8))
    with pytest.raises(ValueError, match=FOREIGN):
        model(tokens(2, 4), past_key_values=cache)
    model(tokens(2, 4), past_key_values=HardwareCache(model.config))


def test_a_copy_of_the_cache_serves_the_same_model(model, cache):
    beside = copy.deepcopy(cache)
    for own in (cache, beside):
        torch.testing.assert_close(*go_on(model, own))
    with pytest.raises(ValueError, match=FOREIGN):
        copy.deepcopy(model)(tokens(2, 4), past_key_values=cache)


def test_generation_of_another_model_is_refused(family, cache):
    ids = tokens(2, 20)
    with pytest.raises(ValueError, match=FOREIGN):
        family().generate(ids, past_key_values=cache, max_new_tokens=2, pad_token_id=0)


def test_refuses_a_wrapper_for_encoder_and_decoder(model):
    own = HardwareCache(model.config)
    wrapped = EncoderDecoderCache(own, DynamicCache(config=model.config))
    with pytest.raises(ValueError, match="give it without a wrapper"):
        model(tokens(2, 4), past_key_values=wrapped)


@pytest.mark.parametrize("place", ["self", "cross", "both"])
def test_refuses_cross_attention(place):
    own = convert(gpt2(), HEAD).config
    config = GPT2Config(
        n_layer=3, n_head=2, n_embd=32, vocab_size=50, n_positions=64, add_cross_attention=True
    )
    caches = [
        HardwareCache(own) if place in (name, "both") else DynamicCache(config=config)
        for name in ("self", "cross")
    ]
    decoder = GPT2LMHeadModel(config).eval()
    with pytest.raises(ValueError, match=FOREIGN):
        decoder(
            tokens(2, 4),
            encoder_hidden_states=torch.zeros(2, 3, 32),
            past_key_values=EncoderDecoderCache(*caches),
        )


def test_rows_are_repeated_selected_and_forgotten(model, cache):
    cache.batch_repeat_interleave(2)
    cache.batch_select_indices(torch.tensor([3, 0, 1]))
    torch.testing.assert_close(*go_on(model, cache, (1, 0, 0)))
    cache.reset()
    ids = tokens(2, 20)
    expected = model(ids, use_cache=False).logits
    torch.testing.assert_close(model(ids, past_key_values=cache).logits, expected)


def test_selected_rows_keep_their_padding(model):
    ids = tokens(2, 20)
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    cache = HardwareCache(model.config)
    model(ids[:, :12], attention_mask=mask[:, :12], past_key_values=cache)
    cache.reorder_cache(torch.tensor([1, 1]))
    cache.batch_repeat_interleave(2)
    cache.batch_select_indices(torch.tensor([2]))
    found = model(ids[1:, 12:], past_key_values=cache).logits
    torch.testing.assert_close(found, model(ids[1:, 5:], use_cache=False).logits[:, 7:])


def test_a_refused_crop_leaves_the_cache_as_it_was(family):
    model = convert(family(), HEAD, layers=[1])
    cache = HardwareCache(model.config)
    model(tokens(2, 20)[:, :12], past_key_values=cache)
    cache.crop(0)
    with pytest.raises(ValueError, match="the arrays cannot take tokens back"):
        cache.crop(-1)
    torch.testing.assert_close(*go_on(model, cache))
