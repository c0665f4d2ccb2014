"""A start whose query heads share keys, as the model's do: maps, arrays, files and decoding."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
import torch
from tiny_models import HEAD, llama, logits_by_layer, tokens

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.ml.attention.ring_cache import RingCache
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.settings import Settings
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.by_layer.score_fit import fit_scores
from gaincell.ml.start.by_layer.spectral import spectral_maps

pytestmark = pytest.mark.usefixtures("quiet_transformers")

SHARED = StartOptions(
    shared_keys=True, recent=3, farthest=0, rounds=4, align_tokens=0, digital_heads=0
)
WIDE = HeadConfig(head_dim=16, window=64, columns=8)


def started(**options):
    model = llama().float()
    return closed_form(model, HEAD, tokens(10, 40), options=replace(SHARED, **options))


@cache
def _started_once():
    return started()


@pytest.fixture
def model():
    return deepcopy(_started_once())


def queries_and_keys(heads):
    """Queries (W, H, T, D), and keys (W, 1, T, D) for all of them."""
    generator = torch.Generator().manual_seed(3)
    q = torch.randn(6, heads, 40, 16, generator=generator) * 2 + 0.5
    return q, torch.randn(6, 1, 40, 16, generator=generator) + 1


def rounds(q, k, maps, count):
    errors = []
    for _ in range(count):
        maps, error = fit_scores(q, k, WIDE, maps, scale=0.25, full_pulse=0.4, step=1.0)
        errors.append(error)
    return maps, errors


def test_heads_with_the_same_queries_are_fitted_as_one_head():
    q, k = queries_and_keys(1)
    one = spectral_maps(q, k, WIDE, scale=0.25)
    three = spectral_maps(q.expand(-1, 3, -1, -1), k, WIDE, scale=0.25)
    one, errors_of_one = rounds(q, k, one, 2)
    three, errors = rounds(q.expand(-1, 3, -1, -1), k, three, 2)
    assert errors == pytest.approx(errors_of_one, rel=1e-3)
    for name in ("q_gain", "q_offset"):
        own = getattr(one, name)
        assert getattr(three, name).shape[0] == 3
        torch.testing.assert_close(
            getattr(three, name), own.expand(3, *own.shape[1:]), rtol=1e-2, atol=1e-3
        )
    for name in ("k_gain", "k_offset"):
        torch.testing.assert_close(getattr(three, name), getattr(one, name), rtol=1e-2, atol=1e-3)


def test_rounds_bring_the_pulses_of_heads_on_one_array_nearer_to_softmax():
    q, k = queries_and_keys(3)
    maps, errors = rounds(q, k, spectral_maps(q, k, WIDE, scale=0.25), 8)
    assert maps.q_gain.shape == (3, 16, 16)
    assert maps.k_gain.shape == (1, 16, 16)
    assert errors[-1] < 0.8 * errors[0]


def test_a_layer_has_an_array_for_each_key_head(model):
    assert Settings.of(model.config).shared
    scalers = model.scalers(0)
    assert scalers.arrays == 2
    assert scalers.q_gain.shape == (4, 16, 16)
    for name in "kv":
        assert [part.shape[0] for part in scalers.pair(name)] == [2, 2]
    assert scalers.ones.view(2, 2).diff().abs().max() == 0
    set_faults(model, Faults(gain_mismatch=0.1))
    assert scalers.faults.heads == 2


def test_maps_given_to_every_head_make_the_same_model(model):
    """Two equal arrays answer two heads as one array answers both."""
    ids = tokens(2, 30, seed=4)
    expected = model(ids).logits
    weights = model.state_dict()
    for name, weight in weights.items():
        if name.rsplit(".", 1)[1] in ("k_gain", "k_offset", "v_gain", "v_offset"):
            weights[name] = weight.repeat_interleave(2, 0)
    settings = replace(Settings.of(model.config), shared=False)
    model.config.gaincell = settings.as_table()
    model.attach(settings)
    assert model.scalers(0).arrays == 4
    model.load_state_dict(weights)
    torch.testing.assert_close(model(ids).logits, expected)


def test_the_model_computes_what_was_fitted(tmp_path):
    folder, ids = tmp_path / "layers", tokens(2, 30, seed=8)
    model = closed_form(llama().float(), HEAD, tokens(10, 40), options=SHARED, folder=folder)
    expected = logits_by_layer(llama().float(), HEAD, folder, ids, recent=3)
    # Float32 sums of another order may move a code by one.
    assert float((expected - model(ids).logits).detach().abs().quantile(0.9)) < 1e-3


def test_it_decodes_from_as_many_arrays_and_is_saved_and_loaded(model, tmp_path):
    model = model.double()
    ids = tokens(2, 12)
    options = {"do_sample": False, "max_new_tokens": 10, "pad_token_id": 0}
    expected = model.generate(ids, use_cache=False, **options)
    cache_ = HardwareCache(model.config)
    assert torch.equal(model.generate(ids, past_key_values=cache_, **options), expected)
    for layer in cache_.layers:
        assert isinstance(layer.ring, RingCache)
        assert layer.ring.k.shape[:2] == (2, 2)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, dtype=torch.float64).eval()
    assert torch.equal(again(ids).logits, model(ids).logits)
    assert Settings.of(again.config) == Settings.of(model.config)


@pytest.mark.training
def test_alignment_brings_shared_maps_nearer():
    """Few windows would be learned by heart."""
    errors = []
    for aligned in (0, 12_000):
        closed_form(
            llama().float(),
            WIDE,
            tokens(60, 40),
            layers=[0],
            options=replace(SHARED, align_tokens=aligned, refit="attention"),
            progress=lambda _, found: errors.append(found.attention),
        )
    assert errors[1] < 0.97 * errors[0]
