"""Perplexity as a metric of a sweep: the figure of ``gaincell perplexity``, adapted or not."""

import math

import pytest

from gaincell.sweep.jobs import job_of, measure
from gaincell.sweep.measures.perplexity import _divergence, _read
from gaincell.sweep.point import point_of
from gaincell.sweep.settings import STARTS

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))


def outcome(folder, **changes):
    values = {
        "config": "head.toml",
        "model.model": "stock",
        "model.texts": ["text.txt"],
        "model.fit_texts": ["text.txt"],
        "model.window": 24,
        "model.windows": 2,
        "model.fit_windows": 2,
        "model.align_tokens": 0,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
    return measure(job_of("perplexity", point_of(values, folder)))


def test_each_start_has_its_perplexity(folder):
    found = {init: outcome(folder, model__init=init)["result"] for init in STARTS}
    assert {each["tokens"] for each in found.values()} == {2 * 23}
    assert len({each["perplexity"] for each in found.values()}) == 3
    faulty = outcome(folder, model__init="ranges", faults__gain_mismatch=0.5)["result"]
    assert faulty["perplexity"] != found["ranges"]["perplexity"]


def test_it_is_that_of_the_command(folder, capsys):
    from gaincell.cli import main

    text = str(folder / "text.txt")
    options = ["--window", "24", "--windows", "2"]
    assert main(["perplexity", "--model", str(folder / "stock"), "--text", text, *options]) == 0
    said = float(capsys.readouterr().out.rsplit(maxsplit=1)[1])
    found = outcome(folder, model__init="none")["result"]["perplexity"]
    assert found == pytest.approx(said, rel=1e-3)


def test_a_start_is_compared_with_the_stock_model_window_by_window(folder):
    stock = outcome(folder, model__init="none")["result"]
    assert stock["over_stock"] == []
    found = outcome(folder, model__init="ranges")["result"]
    lost = [window[0] for window in found["over_stock"]]
    assert len(lost) == 2
    ratio = found["perplexity"] / stock["perplexity"]
    assert math.exp(sum(lost) / 2) == pytest.approx(ratio, rel=1e-5)
    assert all(window[1] > 0 for window in found["over_stock"])


def test_divergence_is_that_of_the_logits(folder):
    import torch

    from gaincell.ml.models.load import load_model

    model, _ = load_model(str(folder / "stock"))
    windows = torch.arange(48).view(2, 24) % model.config.vocab_size
    streams = [_read(model, window)[1] for window in windows]
    with torch.no_grad():
        p, q = (model(window[None]).logits[0].double().log_softmax(1) for window in windows)
    expected = float((p.exp() * (p - q)).sum(1).mean())
    assert _divergence(model, *streams) == pytest.approx(expected, rel=1e-3)
    assert abs(_divergence(model, streams[0], streams[0])) < 1e-6


def test_faults_may_be_left_out(folder):
    values = {"model__init": "ranges", "faults__gain_mismatch": 0.5, "model__faults": False}
    assert outcome(folder, **values)["result"] == outcome(folder, model__init="ranges")["result"]


def test_what_is_missing_is_said(folder):
    assert "has no arrays" in outcome(folder, model__init="none", faults__read_noise=0.1)["refused"]
    for missing, sentence in (
        ({"model__texts": []}, "perplexity needs model and texts"),
        ({"model__fit_texts": []}, "fit_texts in .model. is missing"),
        ({"model__texts": ["no.txt"]}, "no.txt cannot be read"),
    ):
        with pytest.raises(ValueError, match=sentence):
            outcome(folder, **missing)
