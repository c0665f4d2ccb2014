"""Models whose layers keep recent tokens beside the arrays: cache, padding, codes, saved models."""

from copy import deepcopy
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, tokens

from gaincell.behavioral.attention import attend
from gaincell.ml.generate.served_heads import ServedCache
from gaincell.ml.models.beside.digital_heads import set_digital_heads
from gaincell.ml.models.chosen_heads import exact_attention
from gaincell.ml.models.codes import record_codes
from gaincell.ml.models.convert import convert
from gaincell.ml.models.settings import Settings
from gaincell.ml.start import StartOptions, closed_form

pytestmark = pytest.mark.usefixtures("quiet_transformers")

RECENT = 3
OPTIONS = StartOptions(recent=RECENT, farthest=0, rounds=4)


@cache
def _started(name):
    return closed_form(MODELS[name]().float(), HEAD, tokens(8, 40), options=OPTIONS)


@pytest.fixture(params=product(MODELS, [(), ((0, 1), (1, 0), (2, 0), (2, 1))]), ids=str)
def model(request):
    """Without and with digital heads; the texts below are longer than those can see."""
    name, digital = request.param
    model = deepcopy(_started(name)).double()
    set_digital_heads(model, digital)
    return model


@torch.no_grad()
def test_a_cache_goes_on_as_the_whole_text_does_in_portions_of_any_size(model):
    ids = tokens(2, 30, seed=5)
    whole = model(ids, use_cache=False).logits
    for portions in ([30], [1] * 30, [2, 1, 7, 20], [4, 5, 21]):
        past, begin = None, 0
        for count in portions:
            out = model(ids[:, begin : begin + count], past_key_values=past, use_cache=True)
            past = out.past_key_values
            torch.testing.assert_close(out.logits, whole[:, begin : begin + count])
            begin += count


@torch.no_grad()
def test_a_padded_row_gives_what_it_gives_alone(model):
    ids, mask = tokens(2, 24, seed=6), torch.ones(2, 24, dtype=torch.int64)
    mask[1, :9] = 0
    alone = model(ids[1:, 9:]).logits
    torch.testing.assert_close(model(ids, attention_mask=mask).logits[1:, 9:], alone)
    out = model(ids[:, :6], attention_mask=mask[:, :6], use_cache=True)
    later = model(ids[:, 6:], attention_mask=mask, past_key_values=out.past_key_values)
    torch.testing.assert_close(later.logits[1:, 3:], alone)


@torch.no_grad()
def test_beams_take_their_recent_tokens_with_them(model):
    ids = tokens(2, 12, seed=7)
    options = {"num_beams": 3, "max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    options["attention_mask"] = torch.ones_like(ids)
    expected = model.generate(ids, use_cache=False, **options)
    assert torch.equal(model.generate(ids, **options), expected)


@torch.no_grad()
def test_the_codes_of_a_head_are_those_of_its_arrays(model):
    ids = tokens(1, 30, seed=8)[0]
    codes = record_codes(model, ids, [(1, 1)])[1, 1]
    assert codes.q.shape == (30 - RECENT - 1, HEAD.head_dim)
    assert (attend(codes.q, codes.k, codes.v, HEAD) == codes.y).all()


@torch.no_grad()
def test_served_heads_get_a_token_when_it_is_recent_no_more(model):
    ids, seen = tokens(1, 20, seed=9), []

    def answer(layer, heads, q, k, v):
        seen.append(q.shape[1])
        past.append((q, k, v))
        joined = (np.concatenate(part, 1)[0] for part in zip(*past, strict=True))
        return attend(*joined, HEAD)[None, -seen[-1] :]

    past = []
    cache = ServedCache(model.config, {1: [1]}, answer)
    with exact_attention(model, [1]):
        for portion in (ids[:, :2], ids[:, 2:9], ids[:, 9:10], ids[:, 10:]):
            model(portion, past_key_values=cache, use_cache=True)
    assert seen == [9 - RECENT - 1, 1, 10]
    assert (cache.agreement.different, cache.agreement.head_tokens) == (0, 20 - RECENT - 1)


def test_it_is_saved_and_loaded_and_cannot_become_softmax_again(model, tmp_path):
    ids = tokens(2, 20, seed=4)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, dtype=torch.float64).eval()
    assert Settings.of(again.config) == Settings.of(model.config)
    assert Settings.of(again.config).recent == RECENT
    assert torch.equal(again(ids).logits, model(ids).logits)
    with pytest.raises(ValueError, match="fitted the weights of layer 0 to the arrays"):
        convert(model, HEAD, "softmax")


def test_every_part_learns(model):
    ids = tokens(2, 30, seed=3)
    model(ids, labels=ids).loss.backward()
    scalers = model.scalers(0)
    for name in ("q_gain", "k_gain", "v_gain", "y_gain", "rest_gain", "rest_offset"):
        assert bool(getattr(scalers, name).grad.abs().max() > 0), name


@torch.no_grad()
def test_short_texts_never_reach_the_arrays(model):
    """Up to the first token that leaves the buffer, attention is softmax itself."""
    ids = tokens(2, 12, seed=2)
    before = model(ids).logits[:, : RECENT + 1]
    for layer in range(3):
        model.scalers(layer).y_gain.mul_(7.0)
    assert torch.equal(model(ids).logits[:, : RECENT + 1], before)
