"""The closed-form start: its parts against plain formulas, and whole models of both families."""

import math
from copy import deepcopy
from dataclasses import fields, replace
from functools import cache

import pytest
import torch
from tiny_models import HEAD, MODELS, gpt2, logits_by_layer, tokens

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.ml.models.convert import convert
from gaincell.ml.models.families import family_of
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.scalers import HeadMaps
from gaincell.ml.models.settings import Settings
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.by_layer.ridge import Sums, fit_ridge
from gaincell.ml.start.by_layer.score_fit import fit_scores, unseen
from gaincell.ml.start.by_layer.spectral import flat_rows, spectral_maps
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")

QUICK = StartOptions(recent=0, farthest=0, rounds=6, round_windows=3, align_tokens=0)
WIDE = HeadConfig(head_dim=16, window=64, columns=8)


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


def model_of(name):
    """In float32, with queries large enough that softmax is not flat."""
    model = MODELS[name]().float()
    for layer in family_of(model).layers_of(model):
        module = layer.attn.c_attn if name == "gpt2" else layer.self_attn.q_proj
        with torch.no_grad():
            module.weight.mul_(12.0)
    return model


def started(name, head=HEAD, *, layers=None, folder=None, windows=10, **options):
    """The start of a model on so many windows."""
    return closed_form(
        model_of(name),
        head,
        tokens(windows, 40),
        layers=layers,
        folder=folder,
        options=replace(QUICK, **options),
    )


@cache
def _started_once(name, head, refit):
    return started(name, head, refit=refit)


def copy_of_start(name, head=HEAD, refit="down"):
    """As ``started``, computed once for all tests."""
    return deepcopy(_started_once(name, head, refit))


def distance(model, wanted, ids):
    return (model(ids).logits - wanted).square().mean().item()


@pytest.mark.parametrize("dims", [2, 3, 6, 8, 16, 64])
def test_flat_rows_are_orthonormal_and_sum_to_nothing(dims):
    rows = flat_rows(dims)
    assert rows.shape == (dims - 1, dims)
    torch.testing.assert_close(rows @ rows.t(), torch.eye(dims - 1, dtype=torch.float64))
    assert rows.sum(1).abs().max() < 1e-12
    assert rows.abs().max() <= math.sqrt(2 / dims)


def test_the_ridge_fit_is_the_textbooks_and_its_error_that_of_the_rows_held_out():
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(400, 7, generator=generator) + 3
    y = x[:, :2] @ torch.randn(2, 3, generator=generator) + 5
    y += torch.randn(400, 3, generator=generator)
    weight = torch.rand(400, generator=generator)
    fitted, held_out = Sums(), Sums()
    for begin in (0, 100, 200):
        rows = slice(begin, begin + 100)
        fitted.add(x[rows], y[rows], weight[rows])
    held_out.add(x[300:], y[300:], weight[300:])
    for penalty in (0.01, 1.0):
        fit = fit_ridge(fitted, held_out, [penalty])
        w = weight[:300, None] / weight[:300].sum()
        cx, cy = x[:300] - (x[:300] * w).sum(0), y[:300] - (y[:300] * w).sum(0)
        gram = (cx * w).t() @ cx
        expected = torch.linalg.solve(
            gram + penalty * gram.diagonal().mean() * torch.eye(7), (cx * w).t() @ cy
        )
        torch.testing.assert_close(fit.weight, expected, rtol=1e-3, atol=1e-4)
        left = y[300:] - x[300:] @ fit.weight - fit.bias
        far = y[300:] - (y[:300] * w).sum(0)
        ratio = (left.square().sum(1) * weight[300:]).sum() / (
            far.square().sum(1) * weight[300:]
        ).sum()
        assert fit.error == pytest.approx(math.sqrt(ratio), rel=1e-3)
    best = fit_ridge(fitted, held_out)
    assert best.error <= min(
        fit_ridge(fitted, held_out, [each]).error for each in (0.003, 0.1, 30.0)
    )


def test_a_ridge_fit_stays_with_its_mean_where_inputs_say_nothing():
    """Inputs that are always 0, and inputs whose spread is lost in float32's rounding."""
    y = torch.randn(200, 2, generator=torch.Generator().manual_seed(8))
    for x in (torch.zeros(200, 5), 3e4 + 1e-3 * torch.arange(1000.0).reshape(200, 5)):
        sums = Sums()
        sums.add(x, y, torch.ones(200))
        fit = fit_ridge(sums, sums)
        assert fit.error == pytest.approx(1, abs=0.2)
        torch.testing.assert_close(x[0] @ fit.weight + fit.bias, y.mean(0), rtol=0, atol=0.5)
    sums.add(torch.full((1, 5), torch.nan), y[:1], torch.ones(1))
    with pytest.raises(ValueError, match="streams of the model hold values that are not finite"):
        fit_ridge(sums, sums)


def test_a_ridge_fit_without_intercept_goes_through_0():
    x = torch.tensor([[1.0], [2.0]])
    y = torch.tensor([[3.0], [5.0]])
    sums = Sums(intercept=False)
    sums.add(x, y, torch.ones(2))
    fit = fit_ridge(sums, sums, [1e-9])
    assert float(fit.weight) == pytest.approx(13 / 5)
    assert float(fit.bias) == 0


def heads(windows=8, length=40, dims=16, seed=2):
    """Queries and keys (W, 2, T, D) that attend to something."""
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(2, windows, 2, length, dims, generator=generator)
    return q * 2 + 0.5, k + 1


@pytest.mark.parametrize("dims", [12, 16])
def test_spectral_maps_give_the_pulses_of_their_formula(dims):
    """With a linear cell, no codes and little clipping: 1 + (logit - lse regressed) / tau."""
    q, k = heads(dims=dims)
    head = HeadConfig(head_dim=dims, window=64, columns=8, cell="linear", score_saturation=1.0)
    maps = spectral_maps(q * 0.05, k * 0.05, head, scale=dims**-0.5)
    q, k = q[:, 0] * 0.05, k[:, 0] * 0.05
    x = q @ maps.q_gain[0] + maps.q_offset[0]
    volts = (k @ maps.k_gain[0] + maps.k_offset[0]) * 0.9
    phi = x @ (19.3 * (volts - 0.45)).transpose(1, 2)
    logits = q @ k.transpose(1, 2) / math.sqrt(dims)
    later = torch.ones(40, 40, dtype=torch.bool).triu(1)
    lse = logits.masked_fill(later, -torch.inf).logsumexp(2)
    wanted = 1 + (logits - lse.mean()) / 7
    differences = (phi - wanted)[:, 1:].masked_select(~later[1:])
    assert differences.abs().mean() < 0.25
    assert differences.std() < 0.2


def test_rounds_of_the_score_fit_bring_pulses_nearer_to_softmax():
    q, k = heads()
    head = HeadConfig(head_dim=16, window=64, columns=8)
    maps = spectral_maps(q, k, head, scale=0.25)
    errors = []
    for _ in range(8):
        maps, error = fit_scores(q, k, head, maps, scale=0.25, full_pulse=0.4, step=1.0)
        errors.append(error)
    assert errors[-1] < 0.8 * errors[0]


def test_a_score_fit_that_diverges_says_so():
    q, k = heads()
    maps = spectral_maps(q, k, WIDE, scale=0.25)
    maps = replace(maps, q_gain=maps.q_gain * torch.inf)
    with pytest.raises(ValueError, match="the score fit diverged at a step of 2"):
        fit_scores(q, k, WIDE, maps, scale=0.25, full_pulse=0.4, step=2.0)


def test_pairs_that_the_arrays_do_not_hold():
    head = HeadConfig(head_dim=4, window=4, columns=2, sink=1)
    seen = (~unseen(head, 7)).nonzero().tolist()
    assert seen == [[t, n] for t in range(7) for n in range(t + 1) if t - n < 4 or n < 1]


def test_the_start_is_nearer_to_the_model_than_ranges(name):
    ids = tokens(4, 40, seed=9)
    wanted = model_of(name)(ids).logits
    ranged = convert(model_of(name), WIDE)
    fit_ranges(ranged, tokens(10, 40))
    far = distance(ranged, wanted, ids)
    attention, down = (
        distance(started(name, WIDE, windows=60, refit=refit), wanted, ids)
        for refit in ("attention", "down")
    )
    assert attention < 0.7 * far
    assert down < attention


@pytest.mark.training
def test_alignment_brings_it_nearer_still(name):
    ids = tokens(4, 40, seed=9)
    wanted = model_of(name)(ids).logits
    before = distance(copy_of_start(name, WIDE, "attention"), wanted, ids)
    after = started(name, WIDE, refit="attention", align_tokens=12_000)
    assert distance(after, wanted, ids) < 0.97 * before


def test_recent_tokens_beside_the_arrays_bring_it_nearer(name):
    ids = tokens(4, 40, seed=9)
    wanted = model_of(name)(ids).logits
    alone = distance(copy_of_start(name, WIDE), wanted, ids)
    beside = distance(started(name, WIDE, recent=6), wanted, ids)
    assert beside < 0.7 * alone


@pytest.mark.training
def test_alignment_brings_the_arrays_beside_recent_tokens_nearer(name):
    """Few windows would be learned by heart."""
    windows, errors = tokens(60, 40), []
    for aligned in (0, 12_000):
        closed_form(
            model_of(name),
            WIDE,
            windows,
            layers=[0],
            options=replace(QUICK, recent=6, align_tokens=aligned, refit="attention"),
            progress=lambda _, found: errors.append(found.attention),
        )
    assert errors[1] < 0.97 * errors[0]


def test_windows_at_other_positions_help_there_and_not_at_the_first(name):
    """Rotary positions turn what the maps see; learned positions make windows begin at 0."""
    ids = tokens(4, 40, seed=9)
    far = torch.arange(80, 120).expand(4, -1)
    wanted = model_of(name)(ids, position_ids=far).logits

    def error(farthest):
        model = started(name, WIDE, farthest=farthest)
        return (model(ids, position_ids=far).logits - wanted).square().mean().item()

    if name == "gpt2":
        assert error(88) == error(0)
    else:
        assert error(88) < 0.97 * error(0)


@torch.no_grad()
def test_another_scale_of_softmax_is_fitted_as_well_as_the_usual_one():
    """The same GPT-2 three times: what a scale leaves out, the weights of the queries have."""
    ids, windows = tokens(4, 40, seed=9), tokens(10, 40)
    wanted = model_of("gpt2")(ids).logits
    distances = []
    for options, factors in (
        ({}, [1, 1, 1]),
        ({"scale_attn_weights": False}, [0.25, 0.25, 0.25]),
        ({"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}, [1, 2, 3]),
    ):
        fitted = []
        for seed in range(3):
            model = gpt2(**options).float()
            model.load_state_dict(model_of("gpt2").state_dict())
            for layer, factor in zip(model.transformer.h, factors, strict=True):
                layer.attn.c_attn.weight[:, :32] *= factor
                layer.attn.c_attn.bias[:32] *= factor
            torch.testing.assert_close(model(ids).logits, wanted)
            model = closed_form(model, WIDE, windows, options=replace(QUICK, seed=seed))
            fitted.append(distance(model, wanted, ids))
        distances.append(sum(fitted))
    assert max(distances) < 1.05 * distances[0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_models_of_other_types_are_fitted_as_well_and_keep_their_type(name, dtype):
    ids = tokens(4, 40, seed=9)
    stock = model_of(name)
    wanted, embedding = stock(ids).logits, stock.get_input_embeddings().weight
    model = closed_form(model_of(name).to(dtype), WIDE, tokens(10, 40), options=QUICK)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    assert torch.equal(model.get_input_embeddings().weight, embedding.to(dtype))
    plain = distance(copy_of_start(name, WIDE), wanted, ids)
    assert distance(model, wanted, ids) < 1.1 * plain


@torch.no_grad()
def test_a_start_that_is_stopped_leaves_the_model_as_it_was(name):
    def stop(*_):
        raise KeyboardInterrupt

    model, ids = model_of(name), tokens(1, 20)
    before = type(model), model.config._attn_implementation, model(ids).logits
    with pytest.raises(KeyboardInterrupt):
        closed_form(model, HEAD, tokens(4, 20), options=QUICK, progress=stop)
    assert before[:2] == (type(model), model.config._attn_implementation)
    assert torch.equal(model(ids).logits, before[2])


def test_softmax_is_refused_for_weights_that_were_fitted_to_the_arrays(name):
    model = started(name, layers=[0, 2])
    for kind in ("stock", "softmax"):
        message = f'weights of layer 0 to the arrays, and they are wrong for kind "{kind}"'
        with pytest.raises(ValueError, match=message):
            convert(model, HEAD, kind)
    with pytest.raises(ValueError, match="layer 0 has the closed-form start's weights"):
        fit_ranges(model, tokens(1, 20))
    assert Settings.of(convert(model, HEAD, "stock", [1]).config).kinds[1] == "stock"
    assert Settings.of(convert(model, HEAD, "linear").config).kinds == ("linear",) * 3


def test_the_model_computes_what_was_fitted(name, tmp_path):
    folder = tmp_path / "layers"
    model = started(name, layers=[0, 2], folder=folder)
    assert Settings.of(model.config).kinds == ("hardware", "stock", "hardware")
    ids = tokens(2, 30, seed=8)
    expected = logits_by_layer(model_of(name), HEAD, folder, ids)
    # Float32 sums of another order may move a code by one.
    off = (expected - model(ids).logits).detach().abs()
    assert float(off.quantile(0.9)) < 1e-3


def test_first_tokens_are_those_of_the_original_model(name):
    model = copy_of_start(name, refit="attention")
    ids = tokens(3, 12, seed=7)
    wanted = model_of(name)(ids[:, :1]).logits
    torch.testing.assert_close(model(ids).logits[:, :1], wanted, rtol=1e-3, atol=1e-4)
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    shifted = model(ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0))
    alone = model_of(name)(ids[1:2, 5:6]).logits[0, 0]
    torch.testing.assert_close(shifted.logits[1, 5], alone, rtol=1e-3, atol=1e-4)


def test_gpt2_needs_no_maps_beside_its_weights():
    model = copy_of_start("gpt2")
    assert Settings.of(model.config).maps == ()
    assert not isinstance(model.scalers(0), HeadMaps)
    for part in "qkvy":
        gain, offset = model.scalers(1).pair(part)
        assert bool((gain == 1).all() and (offset == 0).all())


def test_llama_heads_have_arrays_of_their_own():
    scalers = copy_of_start("llama").scalers(0)
    assert isinstance(scalers, HeadMaps)
    assert scalers.arrays == 4


def test_faults_are_those_of_each_query_heads_own_arrays(name):
    model, ids = copy_of_start(name), tokens(2, 20)
    ideal = model(ids).logits
    set_faults(model, Faults())
    torch.testing.assert_close(model(ids).logits, ideal, rtol=1e-3, atol=1e-3)
    set_faults(model, Faults(gain_mismatch=0.2, read_noise=0.1))
    assert model.scalers(0).faults.heads == model.config.num_attention_heads
    assert not torch.allclose(model(ids).logits, ideal, rtol=1e-3, atol=1e-3)


def test_it_is_saved_loaded_and_generates_from_the_arrays(name, tmp_path):
    model = copy_of_start(name).double()
    ids = tokens(2, 12)
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    options = {"do_sample": False, "max_new_tokens": 10, "pad_token_id": 0, "attention_mask": mask}
    expected = model.generate(ids, use_cache=False, **options)
    assert torch.equal(model.generate(ids, **options), expected)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, dtype=torch.float64).eval()
    assert torch.equal(again(ids).logits, model(ids).logits)
    assert Settings.of(again.config) == Settings.of(model.config)


@pytest.mark.training
def test_a_refitted_lm_head_is_nearer_and_leaves_the_embedding(name, tmp_path):
    ids = tokens(10, 40)  # those fitted
    stock = model_of(name)
    wanted, embedding = stock(ids).logits, stock.get_input_embeddings().weight.clone()
    plain = distance(copy_of_start(name, WIDE), wanted, ids)
    model = started(name, WIDE, refit="lm_head")
    assert distance(model, wanted, ids) < plain
    assert torch.equal(model.get_input_embeddings().weight, embedding)
    expected = model(ids).logits
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(ids).logits, expected)


@pytest.mark.training
def test_an_interrupted_start_goes_on_to_the_same_model(name, tmp_path):
    whole = copy_of_start(name).state_dict()
    folder = tmp_path / "layers"
    seen = []

    def stop(layer, errors):
        seen.append((layer, errors is None))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        closed_form(
            model_of(name), HEAD, tokens(10, 40), options=QUICK, folder=folder, progress=stop
        )
    model = closed_form(
        model_of(name),
        HEAD,
        tokens(10, 40),
        options=QUICK,
        folder=folder,
        progress=lambda layer, errors: seen.append((layer, errors is None)),
    )
    assert seen == [(0, False), (1, False), (0, True), (1, True), (2, False)]
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, whole[key], rtol=1e-3, atol=1e-3)


def test_the_alignment_makes_five_passes_through_the_fitted_windows_by_default():
    assert [StartOptions(align_tokens=n).aligned(800) for n in (None, 0, 77)] == [4000, 0, 77]


def test_defaults_of_recent_tokens_follow_from_the_head():
    default = StartOptions().settled(HeadConfig())
    assert (default.recent, default.full_pulse, default.farthest) == (32, 1.0, 1024)
    assert StartOptions().settled(HEAD).recent == 4
    assert StartOptions(recent=0).settled(HEAD).full_pulse == 0.4
    with pytest.raises(ValueError, match="recent depends on the head"):
        StartOptions().newest  # noqa: B018


def test_a_folder_of_another_start_is_refused(tmp_path):
    folder = tmp_path / "layers"
    started("gpt2", folder=folder, layers=[0])
    with pytest.raises(ValueError, match="unfinished start with another options"):
        started("gpt2", folder=folder, seed=5)
    with pytest.raises(ValueError, match="unfinished start with another head"):
        started("gpt2", WIDE, folder=folder)
    with pytest.raises(ValueError, match="unfinished start with another model and text"):
        started("llama", folder=folder)
    scaled = gpt2(scale_attn_weights=False).float()
    scaled.load_state_dict(model_of("gpt2").state_dict())
    with pytest.raises(ValueError, match="unfinished start with another model and text"):
        closed_form(scaled, HEAD, tokens(10, 40), layers=[0], options=QUICK, folder=folder)


@pytest.mark.training
def test_the_start_is_the_same_again(name):
    first, second = (started(name, align_tokens=120).state_dict() for _ in range(2))
    for key in first:
        assert torch.equal(first[key], second[key])


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"refit is 'all'.*; rounds is -1.*; held_out is 0.9"):
        StartOptions(refit="all", rounds=-1, held_out=0.9)
    with pytest.raises(ValueError, match="align_tokens is -5"):
        StartOptions(align_tokens=-5)
    with pytest.raises(ValueError, match="round_windows is 0"):
        StartOptions(round_windows=0)
    model = model_of("gpt2")
    with pytest.raises(ValueError, match=r"windows has shape \(1, 40\)"):
        closed_form(model, HEAD, tokens(1, 40))
    with pytest.raises(ValueError, match="layers names 7"):
        closed_form(model, HEAD, tokens(4, 40), layers=[7])
    with pytest.raises(ValueError, match="on hardware already"):
        closed_form(copy_of_start("gpt2"), HEAD, tokens(4, 40))
    assert {each.name for each in fields(StartOptions)} >= {"refit", "align_tokens"}
