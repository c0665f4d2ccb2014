"""One loaded model with one attention after another."""

import pytest
import torch
from tiny_models import HEAD, MODELS, tokens

from gaincell.behavioral.faults import Faults
from gaincell.ml.evaluate.attentions import ATTENTIONS
from gaincell.ml.evaluate.baselines import attending
from gaincell.ml.evaluate.linear_kernel import linear_kernel_attention
from gaincell.ml.models.convert import convert
from gaincell.ml.start.ranges import fit_ranges


@pytest.fixture(params=MODELS)
def model(request):
    model = convert(MODELS[request.param](), HEAD, layers=[0, 2])
    fit_ranges(model, tokens(2, 40))
    return model


@torch.no_grad()
def logits(model, ids, **options):
    return model(ids, **options).logits


@pytest.mark.parametrize("kind", ["hardware", "linear", "softmax", "stock"])
def test_layers_compute_another_kind_and_come_back(model, kind):
    ids = tokens(2, 40, seed=4)
    before = logits(model, ids)
    with attending(model, kind):
        inside = logits(model, ids)
    assert torch.equal(logits(model, ids), before)
    with attending(model, "converted"):
        assert torch.equal(logits(model, ids), before)
    assert torch.equal(inside, logits(convert(model, HEAD, kind, [0, 2]), ids))
    assert torch.equal(inside, before) == (kind == "hardware")


def test_stock_attention_is_the_stock_model(model):
    ids = tokens(2, 40, seed=4)
    stock = next(m for m in (make() for make in MODELS.values()) if type(m) is model.family.stock)
    with attending(model, "stock"):
        torch.testing.assert_close(logits(model, ids), logits(stock, ids), rtol=1e-12, atol=1e-12)


def test_the_linear_kernel_replaces_softmax_of_the_layers_on_arrays(model, monkeypatch):
    ids, calls = tokens(2, 40, seed=4), []

    def seen(*arguments):
        calls.append(arguments)
        return linear_kernel_attention(*arguments)

    monkeypatch.setattr("gaincell.ml.evaluate.baselines.linear_kernel_attention", seen)
    with attending(model, "softmax"):
        soft = logits(model, ids)
    with attending(model, "linear-kernel"):
        kernel = logits(model, ids)
    assert len(calls) == 2  # layers 0 and 2 of 3
    assert calls[0][3] == HEAD
    assert not torch.allclose(soft, kernel)


@pytest.mark.parametrize("attention", ["linear-kernel", "softmax", "kivi-2", "sinks"])
def test_a_cache_holds_what_a_baseline_needs(model, attention):
    ids = tokens(2, 20, seed=4)
    options = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
    with attending(model, attention):
        cached = model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        anew = model.generate(ids, attention_mask=torch.ones_like(ids), use_cache=False, **options)
    assert torch.equal(cached, anew)


def test_padding_on_the_left_changes_nothing(model):
    ids = tokens(1, 30, seed=4)
    padded = torch.cat([torch.zeros(1, 5, dtype=torch.long), ids], 1)
    mask = torch.ones_like(padded)
    mask[:, :5] = 0
    with attending(model, "linear-kernel"):
        position = (mask.cumsum(1) - 1).clamp(min=0)
        found = logits(model, padded, attention_mask=mask, position_ids=position)[:, 5:]
        torch.testing.assert_close(found, logits(model, ids), rtol=1e-10, atol=1e-10)


def test_faults_are_drawn_anew_from_their_seed(model):
    ids, faults = tokens(1, 40, seed=4), Faults(gain_mismatch=0.1, read_noise=0.01)
    ideal = logits(model, ids)
    found = []
    for seed in (0, 0, 1):
        with attending(model, "hardware", faults, seed):
            found.append(logits(model, ids))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], ideal)
    assert torch.equal(logits(model, ids), ideal)


def test_an_error_inside_brings_the_model_back(model):
    before = logits(model, tokens(1, 8))
    for attention in ATTENTIONS:
        with pytest.raises(KeyError), attending(model, attention):
            raise KeyError
    assert torch.equal(logits(model, tokens(1, 8)), before)


@pytest.mark.parametrize(
    ("attention", "faults", "message"),
    [
        ("cubic", None, "attention is 'cubic', but must be one of converted, hardware"),
        ("stock", Faults(), "stock attention has no arrays that could have faults"),
    ],
)
def test_refuses_what_it_does_not_know(model, attention, faults, message):
    with pytest.raises(ValueError, match=message), attending(model, attention, faults):
        pass
