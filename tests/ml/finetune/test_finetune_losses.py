"""Losses, groups of parameters and random states of a fine-tuning, without a run."""

import pytest
import torch
from finetune_runs import PAPER
from tiny_models import HEAD, MODELS, tokens

from gaincell.ml.attention import attention
from gaincell.ml.finetune.parameters import choose_parameters, groups_of
from gaincell.ml.finetune.settings import ArrayFaults, Stage
from gaincell.ml.finetune.state.random_state import random_state, set_random_state, undisturbed
from gaincell.ml.finetune.teacher import distillation_loss, text_loss
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults


def test_the_teachers_loss_is_the_divergence_of_the_models():
    logits, wanted = torch.randn(2, 2, 7, 5, generator=torch.Generator().manual_seed(1))
    assert float(distillation_loss(wanted, wanted, 2.0)) == pytest.approx(0.0, abs=1e-6)
    p, q = (torch.softmax(each[:, :-1] / 2.0, -1) for each in (wanted, logits))
    expected = 4.0 * (p * (p / q).log()).sum(-1).mean()
    torch.testing.assert_close(distillation_loss(logits, wanted, 2.0), expected)


def test_the_texts_loss_is_transformers_own():
    model = MODELS["llama"]().float()
    ids = tokens(2, 12)
    expected = model(input_ids=ids, labels=ids)
    torch.testing.assert_close(text_loss(expected.logits, ids), expected.loss)


def test_scalers_have_a_rate_of_their_own_and_no_decay():
    model = convert(MODELS["llama"]().float(), HEAD, "hardware", [0, 1])
    convert(model, HEAD, "softmax", [1])
    choose_parameters(model, "all")
    stage = Stage(steps=1, learning_rate=0.5, scaler_learning_rate=0.125, weight_decay=0.25)
    decaying = {name for name, each in model.named_parameters() if each.dim() == 2}
    groups = groups_of(model, stage, decaying)
    names = {id(each): name for name, each in model.named_parameters()}
    found = [{names[id(each)] for each in group["params"]} for group in groups]
    assert [group["weight_decay"] for group in groups] == [0.25, 0.0, 0.0]
    assert "lr" not in groups[0] | groups[1]
    assert groups[2]["lr"] == 0.125
    assert found[0] == decaying
    assert len(found[2]) == 8
    assert all(".0.self_attn.gaincell_norm." in name for name in found[2])
    assert sum(map(len, found)) == len(names) - 8


def test_autocast_does_not_reach_into_the_arrays():
    q, k, v = torch.rand(3, 1, 2, 24, 16, generator=torch.Generator().manual_seed(1))
    found = []
    for enabled in (False, True):
        leaves = [each.clone().requires_grad_() for each in (q, k, v)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            y = attention(*leaves, HEAD)
        y.square().sum().backward()
        found.append([y, *(each.grad for each in leaves)])
    assert y.abs().max() > 1
    for plain, cast in zip(*found, strict=True):
        assert torch.equal(plain, cast)


def test_random_states_come_back():
    model = convert(MODELS["llama"]().float(), HEAD)
    set_faults(model, ArrayFaults(**PAPER["faults"]).sizes, 3)
    ids = tokens(1, 12)

    def draw():
        return torch.cat([torch.rand(3), model(ids).logits.flatten()])

    with torch.no_grad():
        state = random_state(model)
        first = draw()
        with undisturbed(model):
            assert not torch.equal(draw(), first)
        second = draw()
        set_random_state(model, state)
        assert torch.equal(draw(), first)
        assert torch.equal(draw(), second)
