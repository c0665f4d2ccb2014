"""What each layer costs alone: against whole converted models, and the order that follows."""

import math

import pytest
import torch
from test_start import model_of
from tiny_models import FAMILIES, HEAD, MODELS, tokens
from torch.nn.functional import kl_div

from gaincell.ml.models.families import family_of
from gaincell.ml.start import (
    Effort,
    Sensitivity,
    StartOptions,
    by_cost,
    closed_form,
    least_sensitive,
    sensitivities,
)
from gaincell.ml.start.by_layer.blocks import logits_after, taken_apart
from gaincell.ml.start.by_layer.fit_layer import pass_layer

pytestmark = pytest.mark.usefixtures("quiet_transformers")

OPTIONS = StartOptions(recent=4, farthest=0, rounds=2, round_windows=2)
FITTED = 8
"""Of ten windows; the last two are held out."""


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


def silenced(name, layer):
    """A model of which one layer's attention adds nothing to the stream."""
    model = model_of(name)
    out = family_of(model).layers_of(model)[layer].get_submodule(family_of(model).out)
    with torch.no_grad():
        for parameter in out.parameters():
            parameter.zero_()
    return model


@torch.no_grad()
def divergence(model, stock, ids):
    """KL divergence of each window, nats per token, by torch's own function."""
    q, p = (each(ids).logits.double().log_softmax(2) for each in (model, stock))
    whole = kl_div(q, p, reduction="none", log_target=True)
    return whole.sum(2).mean(1).tolist()


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_models_own_stream_gives_its_own_logits(family, dtype):
    model, ids = FAMILIES[family]().to(dtype), tokens(10, 12)
    with taken_apart(model, ids) as (stream, blocks):
        for block in blocks:
            stream = pass_layer(block, HEAD, None, stream)
        found = logits_after(model, ids, stream)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 0.1, "atol": 0.02}
    torch.testing.assert_close(found, model(ids).logits.float(), **close)


@pytest.mark.training
def test_a_layer_costs_what_the_model_converted_there_alone_loses(name):
    """The same fit by ``closed_form``, and the divergence of whole models on windows held out."""
    windows, stock = tokens(10, 40), model_of(name)
    found = sensitivities(model_of(name), HEAD, windows, options=OPTIONS)
    assert [each.layer for each in found] == [0, 1, 2]
    for each in found:
        options = StartOptions(
            recent=4, farthest=0, rounds=2, round_windows=2, refit="attention", held_out=0.2
        )
        converted = closed_form(model_of(name), HEAD, windows, layers=[each.layer], options=options)
        wanted = divergence(converted, stock, windows[FITTED:])
        # Float32 sums of another order may move a code by one.
        assert each.by_window == pytest.approx(wanted, rel=0.05)
        assert each.nats == pytest.approx(sum(wanted) / 2, rel=0.05)
        assert each.nats > 1e-4


@pytest.mark.training
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_layer_whose_attention_adds_nothing_costs_nothing_and_is_the_first(name, layer):
    model = silenced(name, layer)
    found = sensitivities(model, HEAD, tokens(10, 40), options=OPTIONS)
    assert by_cost(found)[0].layer == layer
    assert abs(found[layer].nats) < 1e-6
    assert min(each.nats for each in found if each.layer != layer) > 1e-4
    assert least_sensitive(model, HEAD, tokens(10, 40), 1, options=OPTIONS) == [layer]


def test_layers_are_ranked_by_divergence_and_given_in_the_models_order():
    found = [Sensitivity(layer, (nats, nats)) for layer, nats in enumerate((3.0, 1.0, 2.0, 1.0))]
    assert [each.layer for each in by_cost(found)] == [1, 3, 2, 0]
    model, windows = silenced("gpt2", 2), tokens(10, 40)
    order = [each.layer for each in by_cost(sensitivities(model, HEAD, windows, options=OPTIONS))]
    assert order[0] == 2
    for count in (2, 3):
        chosen = least_sensitive(model, HEAD, windows, count, options=OPTIONS)
        assert chosen == sorted(order[:count])


def test_the_standard_error_is_that_of_the_windows():
    found = Sensitivity(0, (1.0, 2.0, 6.0))
    assert found.nats == 3.0
    assert found.error == pytest.approx(math.sqrt(7 / 3))
    assert Sensitivity(0, (1.0,)).error == math.inf


@pytest.mark.training
def test_few_windows_and_their_first_tokens_are_read():
    effort = Effort(fitted=3, held_out=1, tokens=20, rounds=1)
    options = StartOptions(recent=4, rounds=2)
    windows = tokens(12, 30)
    first = sensitivities(model_of("llama"), HEAD, windows, options=options, effort=effort)
    assert [len(each.by_window) for each in first] == [1, 1, 1]
    others = windows.clone()
    others[:, 20:] = 7
    others[3:10] = 7
    others[11:] = 7
    assert first == sensitivities(model_of("llama"), HEAD, others, options=options, effort=effort)
    for read in (0, 2, 10):
        others = windows.clone()
        others[read, :20] = 7
        again = sensitivities(model_of("llama"), HEAD, others, options=options, effort=effort)
        assert again[2] != first[2]


@torch.no_grad()
def test_the_model_is_as_it_was(name):
    model, ids = model_of(name).train(), tokens(2, 20)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    kind, attention = type(model), model.config._attn_implementation
    sensitivities(model, HEAD, tokens(10, 40), layers=[1], options=OPTIONS)
    assert (type(model), model.config._attn_implementation) == (kind, attention)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(model.eval()(ids).logits, model_of(name)(ids).logits)


@pytest.mark.training
def test_an_interrupted_measurement_goes_on_without_measuring_again(name, tmp_path, monkeypatch):
    from gaincell.ml.start.by_layer import sensitivity

    folder, windows = tmp_path / "layers", tokens(10, 40)
    whole = sensitivities(model_of(name), HEAD, windows, options=OPTIONS)
    fits, fit_layer = [], sensitivity.fit_layer

    def counted(*arguments):
        fits.append(arguments)
        return fit_layer(*arguments)

    def stop(found):
        if found.layer == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(sensitivity, "fit_layer", counted)
    with pytest.raises(KeyboardInterrupt):
        sensitivities(model_of(name), HEAD, windows, options=OPTIONS, folder=folder, progress=stop)
    assert len(fits) == 2
    seen = []
    for fitted in (3, 3):
        found = sensitivities(
            model_of(name), HEAD, windows, options=OPTIONS, folder=folder, progress=seen.append
        )
        assert len(fits) == fitted
        assert found == whole
    assert seen == [*whole, *whole]
    least_sensitive(model_of(name), HEAD, windows, 2, options=OPTIONS, folder=folder)
    assert len(fits) == 3
    closed_form(model_of(name), HEAD, windows, layers=[0], options=OPTIONS, folder=folder)


def test_a_folder_of_another_measurement_is_refused(tmp_path):
    folder, windows = tmp_path / "layers", tokens(10, 40)
    given = {"layers": [0], "options": OPTIONS, "folder": folder}
    sensitivities(model_of("gpt2"), HEAD, windows, **given)
    for model, head, text, more, changed in (
        ("llama", HEAD, windows, {}, "model and text"),
        ("gpt2", HEAD, tokens(10, 40, seed=6), {}, "model and text"),
        ("gpt2", HEAD, windows, {"options": StartOptions(recent=8, rounds=2)}, "options"),
    ):
        with pytest.raises(ValueError, match=f"holds an unfinished start with another {changed}"):
            sensitivities(model_of(model), head, text, **given | more)


def test_layers_kept_for_another_choice_are_refused(tmp_path):
    """A layer is fitted on what the converted layers before it give: the choice is part of it."""
    folder, windows = tmp_path / "layers", tokens(10, 40)
    closed_form(model_of("gpt2"), HEAD, windows, layers=[2], options=OPTIONS, folder=folder)
    with pytest.raises(ValueError, match="unfinished start with another choice of layers"):
        closed_form(model_of("gpt2"), HEAD, windows, layers=[1, 2], options=OPTIONS, folder=folder)


def test_wrong_arguments_are_refused():
    model, windows = model_of("gpt2"), tokens(10, 40)
    for count in (0, 4):
        with pytest.raises(ValueError, match=rf"count is {count}, but must be 1\.\.3, the layers"):
            least_sensitive(model, HEAD, windows, count)
    with pytest.raises(ValueError, match=r"windows has shape \(1, 40\)"):
        sensitivities(model, HEAD, windows[:1])
    with pytest.raises(ValueError, match="layers names 7"):
        sensitivities(model, HEAD, windows, layers=[7])
    converted = closed_form(model, HEAD, windows, layers=[0], options=OPTIONS)
    with pytest.raises(ValueError, match="on hardware already: measure the original one"):
        sensitivities(converted, HEAD, windows)
