"""The paper's adaptation: moments of the linear model, reached by the model with the real cell."""

from dataclasses import replace

import pytest
import torch
from tiny_models import HEAD, MODELS, tokens

from gaincell.cell import CUBIC
from gaincell.ml.models.convert import convert
from gaincell.ml.start.matching import match_moments, step_at
from gaincell.ml.start.moments import Moments, moments_of
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")

CELLS = {"cubic": CUBIC, "square": (0.3, 11.0, 9.0, 0.0), "steep": (0.0, 25.0, -6.0, 80.0)}


def linear(name, **changes):
    """A model on the linear cell with scalers of its own, and a text."""
    model = convert(MODELS[name](), replace(HEAD, **changes), "linear")
    text = tokens(3, 40)
    fit_ranges(model, text)
    return model, text


def hardware(model):
    return convert(model, HEAD, "hardware")


@pytest.mark.training
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", MODELS)
def test_the_real_cell_reaches_the_linear_models_moments(name, cell):
    model, text = linear(name)
    targets = moments_of(model, text)
    convert(model, replace(HEAD, cell=CELLS[cell]), "hardware")
    report = match_moments(model, targets, text)
    assert report.converged, str(report)
    assert report.distances[0] > 0.05
    assert report.distances[-1] < 1e-4
    assert str(report) == f"converged after {len(report.distances) - 1} updates"
    after = moments_of(model, text)
    for key, target in targets.items():
        largest = 1e-4 * float(target.std.max())
        torch.testing.assert_close(after[key].mean, target.mean, rtol=0, atol=largest)
        torch.testing.assert_close(after[key].std, target.std, rtol=1e-4, atol=0)


def test_a_model_that_already_has_them_is_left_as_it_is():
    model, text = linear("llama")
    targets = moments_of(model, text)
    before = {name: each.clone() for name, each in model.scalers(1).named_parameters()}
    assert len(before) == 8
    report = match_moments(model, targets, text)
    assert report.converged
    assert report.distances == (0.0,)
    for name, value in before.items():
        assert torch.equal(model.scalers(1).get_parameter(name), value)


def test_one_update_is_the_papers_formula():
    model, text = linear("gpt2")
    before = moments_of(model, text)
    targets = {
        key: Moments(each.mean + 0.01, each.std * 1.1) if key == (0, "q") else each
        for key, each in before.items()
    }
    scalers = model.scalers(0)
    gain, offset = scalers.q_gain.clone(), scalers.q_offset.clone()
    report = match_moments(model, targets, text, iterations=1)
    assert len(report.distances) == 2
    torch.testing.assert_close(scalers.q_gain, gain * 1.1)
    torch.testing.assert_close(scalers.q_offset, offset + 0.01)


def test_the_damping_falls_from_1_to_a_tenth_over_50_updates():
    assert [step_at(n) for n in (0, 25, 50, 99)] == pytest.approx([1.0, 0.55, 0.1, 0.1])


def test_moments_are_those_of_each_head_over_all_tokens():
    x = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(1)) * 2 + 1
    found = Moments.of(x)
    for head in range(3):
        numbers = x[:, head].double().numpy()
        assert float(found.mean[head]) == pytest.approx(numbers.mean())
        assert float(found.std[head]) == pytest.approx(numbers.std())


def test_what_is_not_reached_is_said_and_the_nearest_scalers_stay():
    model, text = linear("llama")
    targets = moments_of(model, text)
    hardware(model)
    seen = []
    report = match_moments(
        model,
        targets,
        text,
        iterations=4,
        tolerance=1e-9,
        progress=lambda *seen_now: seen.append(seen_now),
    )
    assert not report.converged
    assert str(report).startswith("not converged: 4 updates left a distance of")
    assert seen == list(enumerate(report.distances))
    after = moments_of(model, text)
    nearest = max(float(targets[key].distance(after[key]).max()) for key in targets)
    assert nearest == pytest.approx(min(report.distances))


def test_a_head_that_gives_one_value_only_is_named():
    model, text = linear("llama")
    targets = moments_of(model, text)
    hardware(model)
    with torch.no_grad():
        model.scalers(2).y_gain[3] = 0.0
    report = match_moments(model, targets, text, iterations=3)
    assert (2, "y", 3) in report.idle
    assert "the first y of layer 2 head 3" in str(report)
    assert not report.converged


@pytest.mark.training
@pytest.mark.parametrize("name", MODELS)
def test_adapted_logits_are_nearer_the_linear_models_than_those_of_a_bare_change_of_cell(name):
    model, text = linear(name)
    targets = moments_of(model, text)
    wanted = model(text).logits
    convert(model, replace(HEAD, cell=CELLS["square"]), "hardware")
    bare = (model(text).logits - wanted).square().mean()
    match_moments(model, targets, text)
    assert (model(text).logits - wanted).square().mean() < 0.8 * bare


def test_refusals():
    model, text = linear("llama")
    targets = moments_of(model, text)
    with pytest.raises(ValueError, match="iterations is 0"):
        match_moments(model, targets, text, iterations=0)
    with pytest.raises(ValueError, match="tolerance is 0"):
        match_moments(model, targets, text, tolerance=0.0)
    with pytest.raises(ValueError, match="must be \\(B, T\\)"):
        moments_of(model, text[0])
    with pytest.raises(ValueError, match="only one has scaler q of layer 1"):
        match_moments(model, {k: v for k, v in targets.items() if k != (1, "q")}, text)
    short = targets | {(0, "k"): Moments(torch.zeros(1), torch.ones(1))}
    with pytest.raises(ValueError, match="targets have 1 heads for k of layer 0, the model 2"):
        match_moments(model, short, text)
    with torch.no_grad():
        model.scalers(0).v_gain[0] = float("nan")
    with pytest.raises(ValueError, match="layer 0: scaler v gives values not finite"):
        moments_of(model, text)
    with pytest.raises(ValueError, match="no layer is of kind linear or hardware"):
        moments_of(convert(MODELS["gpt2"](), HEAD, "softmax"), text)
