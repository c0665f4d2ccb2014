"""Heads that attend without arrays: what they compute, how they are chosen, what is refused."""

from copy import deepcopy
from functools import cache

import pytest
import torch
from tiny_models import HEAD, MODELS, tokens
from torch.nn.functional import cross_entropy

from gaincell.ml.models.beside.digital_heads import set_digital_heads
from gaincell.ml.models.chosen_heads import by_layer
from gaincell.ml.models.codes import record_codes
from gaincell.ml.models.convert import convert
from gaincell.ml.models.observe import observing
from gaincell.ml.models.settings import Settings
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.needed_heads import gains_in_softmax, needed_heads, probes

pytestmark = pytest.mark.usefixtures("quiet_transformers")

RECENT = 3
ALL = [(layer, head) for layer in range(3) for head in range(2)]


@cache
def _started(name, recent=RECENT):
    options = StartOptions(recent=recent, farthest=0, rounds=2, align_tokens=0)
    return closed_form(MODELS[name]().float(), HEAD, tokens(8, 40), options=options)


@pytest.fixture(params=MODELS)
def model(request):
    return deepcopy(_started(request.param)).double()


def seen_by(model, layer, ids):
    seen = []
    with torch.no_grad(), observing(model, {layer: seen.append}):
        model(ids)
    return seen[0]


def test_a_digital_head_is_softmax_over_the_newest_tokens_and_the_first(model):
    set_digital_heads(model, [(1, 1)])
    ids, most = tokens(2, 40, seed=3), RECENT + HEAD.window
    seen = seen_by(model, 1, ids)
    heads = seen.queries.shape[1]
    array = 1 // (heads // seen.keys.shape[1])
    age = torch.arange(40)[:, None] - torch.arange(40)
    hidden = (age < 0) | ((age >= most) & (torch.arange(40) > 0))
    logits = seen.queries[:, 1] @ seen.keys[:, array].transpose(1, 2) * seen.scale
    wanted = logits.masked_fill(hidden, -torch.inf).softmax(2) @ seen.values[:, array]
    torch.testing.assert_close(seen.output[:, 1], wanted)


def test_other_heads_of_the_layer_stay_as_they_are(model):
    ids = tokens(2, 30, seed=3)
    before = seen_by(model, 1, ids).output
    set_digital_heads(model, [(1, 1)])
    after = seen_by(model, 1, ids).output
    assert torch.equal(after[:, 0], before[:, 0])
    assert not torch.equal(after[:, 1], before[:, 1])


def test_it_can_be_taken_back(model):
    ids = tokens(2, 30, seed=3)
    before = model(ids).logits
    set_digital_heads(model, [(1, 1), (0, 0)])
    assert not torch.equal(model(ids).logits, before)
    set_digital_heads(model, [])
    assert torch.equal(model(ids).logits, before)


@pytest.mark.parametrize("window", [tokens(1, 40, seed=21), tokens(1, 30, seed=22)])
def test_the_gain_is_what_a_small_step_towards_softmax_gains(model, window):
    """In the last layer, where no array lies behind a head's output."""
    gains = gains_in_softmax(model, window)
    assert sorted(gains) == sorted(by_layer_pairs(model))
    step = 1e-2
    for head in range(2):
        gained = loss_of(model, window, head, -step) - loss_of(model, window, head, step)
        assert gains[2, head] == pytest.approx(gained / (2 * step), rel=1e-2, abs=1e-6)


def by_layer_pairs(model):
    return [(layer, head) for layer, heads in by_layer(model, None).items() for head in heads]


def loss_of(model, ids, head, step):
    """The text's loss with a head of the last layer a step nearer to softmax."""
    exact = deepcopy(model)
    set_digital_heads(exact, [(2, head)])
    dims = slice(head * HEAD.head_dim, (head + 1) * HEAD.head_dim)
    towards = seen_by(exact, 2, ids).output[:, head] - seen_by(model, 2, ids).output[:, head]
    out = model.family.layers_of(model)[2].get_submodule(model.family.out)

    def nearer(_, inputs):
        moved = inputs[0].clone()
        moved[..., dims] += step * towards
        return (moved,)

    hook = out.register_forward_pre_hook(nearer)
    try:
        return loss_in_float64(model, ids)
    finally:
        hook.remove()


@torch.no_grad()
def loss_in_float64(model, ids):
    return cross_entropy(model(ids).logits[0, :-1], ids[0, 1:]).item()


def test_the_heads_that_gain_most_are_chosen(model):
    ids = tokens(2, 40, seed=5)
    gains = gains_in_softmax(model, ids)
    chosen = needed_heads(model, ids, 2)
    assert len(chosen) == 2
    assert min(gains[each] for each in chosen) >= max(
        gain for head, gain in gains.items() if head not in chosen
    )
    set_digital_heads(model, chosen)
    assert set(gains_in_softmax(model, ids)) == set(gains) - set(chosen)


def test_half_of_the_probes_say_a_passage_three_times():
    windows = tokens(6, 10)
    found = probes(windows)
    assert torch.equal(found[:2], windows[:2])
    for window, begun in zip(found[2:], windows[2:4, :4], strict=True):
        assert torch.equal(window, torch.cat([begun, begun, begun[:2]]))
    assert len(probes(windows[:2])) == 2


def test_a_frozen_model_has_gains_and_stays_frozen(model):
    ids = tokens(1, 40, seed=5)
    wanted = gains_in_softmax(model, ids)
    model.requires_grad_(False)
    assert gains_in_softmax(model, ids) == pytest.approx(wanted)
    assert not any(each.requires_grad for each in model.parameters())


@pytest.mark.parametrize("digital", [2, ((0, 1), (2, 0))])
def test_a_start_makes_heads_digital(digital):
    options = StartOptions(recent=RECENT, rounds=1, align_tokens=0, digital_heads=digital)
    model = closed_form(MODELS["llama"]().float(), HEAD, tokens(8, 40), options=options)
    made = Settings.of(model.config).digital
    assert made == digital if isinstance(digital, tuple) else len(made) == digital


def test_by_default_one_head_of_45_is_digital_beside_recent_tokens():
    settled = StartOptions().settled(HEAD)
    assert [settled.digital(heads) for heads in (6, 45, 270)] == [0, 1, 6]
    assert StartOptions(recent=0).settled(HEAD).digital(270) == 0


def test_a_conversion_back_to_stock_layers_keeps_the_others_digital_heads(model):
    set_digital_heads(model, [(0, 1), (2, 0)])
    convert(model, HEAD, "linear", [0])
    assert Settings.of(model.config).digital == ((0, 1), (2, 0))


def test_digital_heads_have_no_codes(model):
    set_digital_heads(model, [(1, 1)])
    with pytest.raises(ValueError, match="head 1:1 is digital: it has no arrays"):
        record_codes(model, tokens(1, 30)[0], [(1, 1)])
    assert by_layer(model, None)[1] == [head for head in by_layer(model, None)[0] if head != 1]


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([(3, 0)], "layer 3 is not there"),
        ([(0, 9)], "head 9 is not there"),
    ],
)
def test_heads_that_are_not_there_are_refused(model, heads, message):
    before = model.config.gaincell
    with pytest.raises(ValueError, match=message):
        set_digital_heads(model, heads)
    assert model.config.gaincell == before


def test_a_config_that_names_a_head_too_many_is_refused(model):
    set_digital_heads(model, [(1, 0)])
    model.config.gaincell["digital"] = [[1, 4]]
    with pytest.raises(ValueError, match=r"names digital head 4, but layers have \d heads"):
        Settings.of(model.config)


def test_without_recent_tokens_there_are_no_digital_heads():
    model = deepcopy(_started("llama", 0))
    with pytest.raises(ValueError, match="only layers of a closed-form start with recent tokens"):
        set_digital_heads(model, [(0, 0)])
    with pytest.raises(ValueError, match="no layer has recent tokens"):
        needed_heads(model, tokens(1, 40), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digital_heads": -1}, "digital_heads is -1, but must be 0 or more"),
        ({"digital_heads": 1, "recent": 0}, "but recent is 0"),
        ({"digital_heads": 13}, "digital_heads is 13, but the layers have 12 heads"),
        ({"digital_heads": ((0, 4),)}, "names 0:4, but heads are 0..3 of the layers"),
        ({"digital_heads": ((3, 0),)}, "names 3:0"),
    ],
)
def test_a_start_refuses_wrong_digital_heads_before_it_begins(options, message, monkeypatch):
    monkeypatch.setattr("gaincell.ml.start.by_layer.sequence.taken_apart", None)
    with pytest.raises(ValueError, match=message):
        closed_form(MODELS["llama"]().float(), HEAD, tokens(8, 40), options=StartOptions(**options))
