"""Padding: each row of a batch gives what it gives alone, however the mask is given."""

import pytest
import torch
from tiny_models import FAMILIES, HEAD, MODELS, tokens
from transformers import DynamicCache

from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.convert import convert
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")

STARTS = (0, 8, 3)


def converted(make, kind="hardware"):
    """Layers 0 and 2 of that kind with fitted ranges, layer 1 stock."""
    model = convert(make(), HEAD, kind, layers=[0, 2])
    if kind != "softmax":
        fit_ranges(model, tokens(4, 60, seed=4))
    return model


@pytest.fixture(params=MODELS)
def model(request):
    return converted(MODELS[request.param])


@pytest.fixture
def batch():
    """Ids and a mask of three rows that begin at ``STARTS``."""
    ids = tokens(3, 30)
    mask = (torch.arange(30) >= torch.tensor(STARTS)[:, None]).long()
    return ids, mask


def alone(model, ids):
    """Logits of each row without its padding."""
    return [
        model(row[None, start:], use_cache=False).logits[0]
        for row, start in zip(ids, STARTS, strict=True)
    ]


def assert_rows(found, expected):
    for row, start, own in zip(found, STARTS, expected, strict=True):
        torch.testing.assert_close(row[start:], own)


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_positions_follow_from_the_mask(family, batch):
    ids, mask = batch
    model = converted(FAMILIES[family])
    expected = alone(model, ids)
    assert_rows(model(ids, attention_mask=mask, use_cache=False).logits, expected)
    # Without the mask, padding is text.
    assert not torch.allclose(model(ids, use_cache=False).logits[1, 8:], expected[1])


@torch.no_grad()
@pytest.mark.parametrize("kind", ["linear", "softmax", "stock"])
def test_positions_follow_from_the_mask_in_layers_of_every_kind(kind, batch):
    ids, mask = batch
    model = converted(MODELS["gpt2"], kind) if kind != "stock" else convert(MODELS["gpt2"](), HEAD)
    convert(model, HEAD, kind, layers=[0, 2])
    assert_rows(model(ids, attention_mask=mask).logits, alone(model, ids))


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float32])
def test_masks_of_every_type(model, batch, dtype):
    ids, mask = batch
    found = model(ids, attention_mask=mask.to(dtype)).logits
    assert_rows(found, alone(model, ids))


@torch.no_grad()
def test_embeddings_positional_arguments_and_the_model_without_its_head(model, batch):
    ids, mask = batch
    expected = model(ids, attention_mask=mask).logits
    embeds = model.get_input_embeddings()(ids)
    assert torch.equal(model(inputs_embeds=embeds, attention_mask=mask).logits, expected)
    names = (
        ("past_key_values", "attention_mask")
        if "gpt2" in model.config.model_type
        else ("attention_mask",)
    )
    positional = [{"attention_mask": mask}.get(name) for name in names]
    stream = model.base_model(ids, *positional).last_hidden_state
    assert torch.equal(model.lm_head(stream), expected)


@torch.no_grad()
def test_positions_of_the_caller_are_kept(model, batch):
    ids, mask = batch
    position = (mask.cumsum(1) - 1).clamp(min=0)
    expected = model(ids, attention_mask=mask).logits
    assert_rows(model(ids, attention_mask=mask, position_ids=position).logits, alone(model, ids))
    later = model(ids, attention_mask=mask, position_ids=position + 3).logits
    assert not torch.allclose(later[1, 8:], expected[1, 8:])


@torch.no_grad()
# Plain keys and values do not say which of them are padding: they need every mask.
@pytest.mark.parametrize(
    ("cache", "masks"), [("arrays", "all"), ("arrays", "first"), ("dynamic", "all")]
)
def test_decoding_after_a_padded_prompt(model, batch, cache, masks):
    ids, mask = batch
    config = model.config
    past = HardwareCache(config) if cache == "arrays" else DynamicCache(config=config)
    parts = []
    for begin, end in ((0, 6), (6, 12), (12, 20), *((t, t + 1) for t in range(20, 30))):
        given = mask[:, :end] if masks == "all" or end <= 12 else None
        parts.append(model(ids[:, begin:end], attention_mask=given, past_key_values=past).logits)
    assert_rows(torch.cat(parts, 1), alone(model, ids))


def generated(model, ids, **options):
    return model.generate(ids, do_sample=False, max_new_tokens=8, pad_token_id=0, **options)


@pytest.mark.parametrize("beams", [1, 3])
def test_generation_from_a_padded_batch(model, batch, beams):
    ids, mask = (x[:, :14] for x in batch)
    found = generated(model, ids, attention_mask=mask, num_beams=beams)
    for row, start in enumerate(STARTS):
        own = ids[row : row + 1, start:]
        one = generated(model, own, attention_mask=torch.ones_like(own), num_beams=beams)
        assert torch.equal(found[row, 14:], one[0, own.shape[1] :])


PACKED = torch.arange(30)[None] % 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"position_ids": PACKED}, "several sequences in one row"),
        ({"position_ids": PACKED, "use_cache": False}, "several sequences in one row"),
        (
            {"position_ids": PACKED, "attention_mask": torch.ones(3, 30)},
            "several sequences in one row",
        ),
        ({"attention_mask": torch.ones(3, 1, 30, 30)}, "a ready-made attention mask was given"),
        ({"attention_mask": torch.ones(3, 1, 30)}, "a ready-made attention mask was given"),
        ({"attention_mask": torch.zeros(3, 30) - 1e9}, "must hold only 0 and 1"),
        ({"attention_mask": torch.ones(3, 40)}, "has 40 tokens, but the model has 30 so far"),
        ({"attention_mask": torch.ones(3, 20), "use_cache": False}, "has 20 tokens, but"),
        ({"attention_mask": (torch.arange(30) % 9 > 3).expand(3, -1)}, "a gap between real tokens"),
    ],
)
def test_refuses_masks_and_positions_that_the_arrays_cannot_follow(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model(tokens(3, 30), **arguments)


@torch.no_grad()
def test_refuses_a_mask_that_contradicts_the_cache(model, batch):
    ids, mask = batch
    cache = HardwareCache(model.config)
    model(ids[:, :20], attention_mask=mask[:, :20], past_key_values=cache)
    with pytest.raises(ValueError, match="has 10 tokens, but the model has 30 so far"):
        model(ids[:, 20:], attention_mask=mask[:, 20:], past_key_values=cache)
    with pytest.raises(ValueError, match="other padding than in earlier calls"):
        model(ids[:, 20:], attention_mask=torch.ones_like(mask), past_key_values=cache)
    cache.reset()
    model(ids[:, :20], past_key_values=cache)
    with pytest.raises(ValueError, match="other padding than in earlier calls"):
        model(ids[:, 20:], attention_mask=mask, past_key_values=cache)
    cache.reset()
    model(ids[:, :20], attention_mask=mask[:, :20].flip(1), past_key_values=cache)
    with pytest.raises(ValueError, match="ends with padding, which the arrays store"):
        model(ids[:, 20:], past_key_values=cache)
