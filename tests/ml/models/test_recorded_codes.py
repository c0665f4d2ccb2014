"""Codes out of a converted model, faults in it, and its perplexity."""

import math

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, tokens
from token_codes import assert_covers

from gaincell.behavioral.attention import attend_and_count_ties
from gaincell.behavioral.faults import Faults
from gaincell.ml.evaluate.perplexity import perplexity, windows_of
from gaincell.ml.models.codes import record_codes
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture(params=MODELS)
def hardware(request):
    model = convert(MODELS[request.param](), HEAD, layers=[0, 2])
    fit_ranges(model, tokens(4, 60, seed=4))
    return model


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_recorded_codes_give_the_recorded_outputs_in_numpy(hardware, dtype):
    hardware.to(dtype)
    found = record_codes(hardware, tokens(1, 50)[0], [(0, 1), (2, 0), (2, 1)])
    assert set(found) == {(0, 1), (2, 0), (2, 1)}
    for codes in found.values():
        assert codes.q.dtype == codes.k.dtype == codes.v.dtype == np.uint8
        assert codes.y.dtype == np.float64
        y_code, ties = attend_and_count_ties(*(x.astype(int) for x in (codes.q, codes.k, codes.v)),
                                             HEAD)  # fmt: skip
        assert ties == 0
        np.testing.assert_array_equal(y_code, codes.y)
        assert_covers(codes.y)
    assert not np.array_equal(found[2, 0].q, found[2, 1].q)


def test_query_heads_of_a_group_read_the_same_keys():
    model = convert(MODELS["llama"](), HEAD)
    found = record_codes(model, tokens(1, 20)[0], [(0, 0), (0, 1), (0, 2)])
    assert np.array_equal(found[0, 0].k, found[0, 1].k)
    assert not np.array_equal(found[0, 0].k, found[0, 2].k)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([(3, 0)], r"layer 3 is not there: the model has 0\.\.2"),
        ([(1, 0)], 'layer 1 is of kind "stock", not "hardware"'),
        ([(0, 9)], "head 9 is not there: layer 0 has 0"),
    ],
)
def test_refuses_heads_that_are_not_on_hardware(hardware, heads, message):
    with pytest.raises(ValueError, match=message):
        record_codes(hardware, tokens(1, 5)[0], heads)
    with pytest.raises(ValueError, match="input_ids has shape"):
        record_codes(hardware, tokens(1, 5), [(0, 0)])


def test_faults_change_the_outputs_until_they_are_taken_away(hardware):
    ids = tokens(2, 40)
    ideal = hardware(ids).logits
    set_faults(hardware, Faults(gain_mismatch=0.1, read_noise=0.05), seed=1)
    first, second = hardware(ids).logits, hardware(ids).logits
    assert not torch.allclose(first, ideal)
    assert not torch.allclose(first, second)
    options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 2, "pad_token_id": 0}
    with pytest.raises(ValueError, match="arrays with faults do not decode from a HardwareCache"):
        hardware.generate(ids, **options)
    assert hardware.generate(ids, use_cache=False, **options).shape == (2, 42)
    set_faults(hardware, Faults(gain_mismatch=0.1, read_noise=0.05), seed=1)
    assert torch.equal(hardware(ids).logits, first)
    set_faults(hardware, None)
    assert torch.equal(hardware(ids).logits, ideal)


@torch.no_grad()
def test_perplexity_is_that_of_the_likelihoods(hardware):
    ids = tokens(1, 100)[0]
    windows = windows_of(ids, 30, 3)
    assert windows.shape == (3, 30)
    score = perplexity(hardware, windows)
    chosen = []
    for window in windows:
        likelihood = hardware(window[None]).logits[0, :-1].log_softmax(1)
        chosen.append(likelihood[torch.arange(29), window[1:]])
    assert score.tokens == 87
    assert score.perplexity == pytest.approx(math.exp(-float(torch.cat(chosen).mean())))
    assert windows_of(ids, 30).shape == (3, 30)


@pytest.mark.parametrize(
    ("length", "count", "message"),
    [
        (1, None, "the window has 1 tokens, but needs at least 2"),
        (30, 4, "4 windows of 30 tokens are asked for, but the 100 tokens of the text make 3"),
        (200, None, "the text has 100 tokens, but a window needs 200"),
    ],
)
def test_refuses_windows_that_a_text_does_not_fill(length, count, message):
    with pytest.raises(ValueError, match=message):
        windows_of(tokens(1, 100)[0], length, count)
