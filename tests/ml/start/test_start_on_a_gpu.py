"""The closed-form start of a model on a GPU, which is pretended: no two devices meet."""

import pytest
import torch
from pretend_gpu import GPU, PretendedGpu, given, on_gpu
from tiny_models import HEAD, MODELS, VARIANTS, tokens

from gaincell.ml.evaluate.perplexity import losses_of, perplexity
from gaincell.ml.finetune.teacher import distillation_loss, logits_of
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.by_layer import layer_start

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def _no_kernels(monkeypatch):
    """A pretended GPU runs plain torch only, also where Triton is installed."""
    monkeypatch.setenv("GAINCELL_ATTENTION", "torch")


def started(model, **options):
    few = StartOptions(rounds=2, **options)
    return closed_form(model, HEAD, given(tokens(3, 24)), options=few)


@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral"])
@pytest.mark.parametrize(
    "options",
    [
        {"recent": 4, "align_tokens": 100},
        {"recent": 0},
        {"recent": 4, "refit": "lm_head"},
        {"recent": 4, "digital_heads": 3, "align_tokens": 0},
    ],
    ids=["aligned", "arrays alone", "lm_head", "digital heads"],
)
def test_a_start_keeps_to_its_device(name, options, monkeypatch):
    wanted = started(VARIANTS[name](), **options)
    model = on_gpu(VARIANTS[name](), monkeypatch)
    with PretendedGpu():
        found = started(model, **options)
    for each, other in zip(found.state_dict().values(), wanted.state_dict().values(), strict=True):
        assert torch.equal(each, other)
    assert found.config.gaincell == wanted.config.gaincell
    assert len(found.config.gaincell.get("digital", ())) == options.get("digital_heads", 0)


def test_layers_that_were_kept_come_to_the_models_device(tmp_path, monkeypatch):
    def run():
        model = on_gpu(MODELS["llama"](), monkeypatch)
        return closed_form(
            model,
            HEAD,
            given(tokens(3, 24)),
            options=StartOptions(rounds=1, recent=4),
            folder=tmp_path / "layers",
        )

    load = layer_start.load_file
    monkeypatch.setattr(
        layer_start, "load_file", lambda path: {n: given(x) for n, x in load(path).items()}
    )
    with PretendedGpu():
        first = run()
        (tmp_path / "layers" / "layer-002.safetensors").unlink()
        again = run()
    for each, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(each, other)


@pytest.mark.parametrize("options", [{"recent": 0}, {"recent": 4, "digital_heads": 3}])
def test_a_started_model_trains_and_is_scored_on_its_device(options, monkeypatch):
    teacher = MODELS["llama"]()
    model = started(MODELS["llama"](), align_tokens=0, **options)
    on_gpu(model, monkeypatch)
    with PretendedGpu():
        ids = given(tokens(2, 40)).to(GPU)
        logits = model(ids, use_cache=False).logits
        distillation_loss(logits, logits_of(teacher, ids), 1.0).backward()
        score = perplexity(model, given(tokens(2, 40)))
        losses = losses_of(model, given(tokens(2, 40)))
    assert all(x.grad is not None for name, x in model.named_parameters() if "self_attn" in name)
    assert score.tokens == losses.numel() == 2 * 39
    assert float(losses.sum()) == pytest.approx(score.nats, rel=1e-6)


@pytest.mark.parametrize(
    "meet",
    [
        lambda x: x + torch.arange(3),
        lambda x: torch.cat([x, torch.ones(2)]),
        lambda x: x.masked_fill(torch.zeros(3, dtype=torch.bool), 0.0),
        lambda x: torch.randn(3, generator=torch.Generator(), device=x.device),
        lambda x: x.numpy(),
        lambda x: torch.arange(3, device=x.device) + x.cpu(),
    ],
)
def test_tensors_of_two_devices_that_meet_are_seen(meet):
    x = torch.rand(3)
    with PretendedGpu(), pytest.raises(RuntimeError, match=r"GPU|two devices"):
        meet(x)


def test_what_cuda_allows_is_allowed():
    x = torch.rand(3)
    with PretendedGpu():
        assert x[torch.randperm(3)].device == GPU
        assert (x + torch.tensor(1.0)).device == GPU
        assert (torch.arange(3).to(x) + x).device == GPU
        with x.device:
            assert (torch.arange(3) + x).device == GPU
