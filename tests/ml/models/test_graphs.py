"""Models in torch.compile, torch.export and torch.func, and with tensors that others hold."""

import copy

import pytest
import torch
from tiny_models import HEAD, MODELS, gpt2, llama, tokens
from torch.nn.utils import parametrize
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

from gaincell.behavioral.faults import Faults
from gaincell.ml.attention import attention
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.convert import convert
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.in_graph import attend_node, text_of
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.ranges import fit_ranges

pytestmark = [
    pytest.mark.usefixtures("quiet_transformers"),
    # What torch and transformers say of their own code while they make a graph.
    pytest.mark.filterwarnings("default"),
]


def ranged(make=llama, **options):
    """A layer on hardware with a sink and fitted ranges, and one of softmax over a window."""
    model = convert(convert(make(**options), HEAD), HEAD, "softmax", [1])
    fit_ranges(model, tokens(4, 60, seed=4))
    return model


@pytest.fixture(scope="module")
def model():
    return ranged(num_hidden_layers=2)


@pytest.fixture
def batch():
    """Ids (3, 30) and the mask of a batch whose second row begins at token 8."""
    ids = tokens(3, 30)
    mask = torch.ones_like(ids)
    mask[1, :8] = 0
    return ids, mask


@pytest.fixture(autouse=True)
def _own_graphs():
    yield
    torch._dynamo.reset()


def graph_of(model, **options):
    return torch.compile(model, backend="aot_eager", **options)


def gradients(run, model, ids, mask):
    model.zero_grad()
    loss = run(ids, attention_mask=mask, labels=ids, use_cache=False).loss
    loss.backward()
    learning = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    assert "gaincell_norm" in "".join(learning)
    return loss.detach(), learning


def test_the_node_has_the_outputs_and_gradients_of_the_op():
    generator = torch.Generator().manual_seed(7)
    q, k, v, dy = (
        torch.rand(3, heads, count, 16, generator=generator, dtype=torch.float64)
        for heads, count in ((4, 11), (2, 30), (2, 30), (4, 11))
    )
    for start in (None, torch.tensor([0, 22, 5])):
        found = []
        for run in (
            lambda *x, s=start: attention(*x, HEAD, start=s),
            lambda *x, s=start: attend_node(*x, s, text_of(HEAD), "hardware"),
        ):
            inputs = [x.clone().requires_grad_() for x in (q, k, v)]
            y = run(*inputs)
            found.append([y, *torch.autograd.grad(y, inputs, dy)])
        for one, other in zip(*found, strict=True):
            assert one.abs().max() > 0
            torch.testing.assert_close(one, other)


@pytest.mark.slow
def test_a_compiled_model_is_one_graph_with_the_same_logits_and_gradients(model, batch):
    ids, mask = batch
    whole = graph_of(model, fullgraph=True)
    expected = gradients(model, model, ids, mask)
    torch.testing.assert_close(gradients(whole, model, ids, mask), expected)
    for options in ({"use_cache": False}, {}):
        torch.testing.assert_close(whole(ids, **options).logits, model(ids).logits)


@pytest.mark.slow
def test_checks_of_values_run_in_a_graph(model, batch):
    ids, mask = batch
    whole = graph_of(model, fullgraph=True)
    position = (mask.cumsum(1) - 1).clamp(min=0)
    given = {"attention_mask": mask, "use_cache": False}
    found = whole(ids, position_ids=position, **given).logits
    torch.testing.assert_close(found[1, 8:], model(ids, **given).logits[1, 8:])
    with pytest.raises(ValueError, match="several sequences in one row"):
        whole(ids, position_ids=position % 10, **given)
    mask[0, 10:12] = 0
    with pytest.raises(ValueError, match="a gap between real tokens"):
        whole(ids, position_ids=position, **given)


@pytest.mark.slow
def test_a_compiled_model_decodes_from_its_arrays(model, batch):
    ids, mask = batch
    run = graph_of(model)
    past = HardwareCache(model.config)
    parts = []
    with torch.no_grad():
        for begin, end in ((0, 20), *((t, t + 1) for t in range(20, 23))):
            given = {"attention_mask": mask[:, :end], "past_key_values": past}
            parts.append(run(ids[:, begin:end], **given).logits)
    expected = model(ids[:, :23], attention_mask=mask[:, :23], use_cache=False).logits
    found = torch.cat(parts, 1)
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1, 8:], expected[1, 8:])


@pytest.mark.slow
def test_faults_are_drawn_outside_the_graph(batch):
    model = convert(llama(num_hidden_layers=1), HEAD)
    set_faults(model, Faults())
    ids, mask = batch
    given = {"attention_mask": mask, "use_cache": False}
    torch.testing.assert_close(graph_of(model)(ids, **given).logits, model(ids, **given).logits)
    with pytest.raises(ValueError, match="draw anew at every read"):
        torch.export.export(model, (ids,), given)


@pytest.mark.training
@pytest.mark.slow
def test_trainer_compiles(tmp_path):
    found = []
    for compiles in (False, True):
        model = ranged(num_hidden_layers=2).float()
        texts = [{"input_ids": row, "labels": row} for row in tokens(4, 24)]
        arguments = TrainingArguments(
            tmp_path,
            max_steps=2,
            per_device_train_batch_size=2,
            torch_compile=compiles,
            torch_compile_backend="aot_eager" if compiles else None,
            learning_rate=1e-2,
            report_to=[],
            use_cpu=True,
            save_strategy="no",
            disable_tqdm=True,
        )
        trained = Trainer(model, arguments, train_dataset=texts).train()
        found.append([torch.tensor(trained.training_loss), *model.parameters()])
    torch.testing.assert_close(found[1], found[0])


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(ids, attention_mask=mask, use_cache=False).logits


@pytest.fixture(scope="module")
def started():
    """A model with maps and first tokens of their own, of the closed-form start."""
    options = StartOptions(rounds=1)
    return closed_form(llama(num_hidden_layers=2).float(), HEAD, tokens(6, 40), options=options)


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_model_takes_batches_of_any_size_from_its_file(
    started, batch, strict, tmp_path
):
    rows, length = torch.export.Dim("rows", min=1, max=64), torch.export.Dim("length", max=100)
    shape = {0: rows, 1: length}
    program = torch.export.export(Logits(started), batch, dynamic_shapes=(shape, shape))
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    for count, end in ((3, 30), (2, 41)):
        ids, mask = tokens(count, end, seed=9), torch.ones(count, end, dtype=torch.int64)
        mask[1, :11] = 0
        expected = started(ids, attention_mask=mask).logits
        torch.testing.assert_close(loaded(ids, mask), expected)


@pytest.mark.slow
def test_an_exported_model_without_a_mask(model, batch):
    program = torch.export.export(model, batch[:1], {"use_cache": False})
    found = program.module()(batch[0], use_cache=False).logits
    torch.testing.assert_close(found, model(batch[0]).logits)


@pytest.mark.parametrize("make", [ranged, lambda: ranged(gpt2)], ids=["llama", "gpt2"])
def test_functional_call_and_gradients_of_single_texts(make):
    model, ids = make(), tokens(3, 30)
    values = {name: p.detach() for name, p in model.named_parameters()}
    doubled = {name: 2 * x if "_gain" in name else x for name, x in values.items()}
    other = torch.func.functional_call(model, doubled, (ids,)).logits

    def loss(values, row):
        given = {"labels": row[None], "use_cache": False}
        return torch.func.functional_call(model, values, (row[None],), given).loss

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(values, ids)
    for row, own in enumerate(ids):
        _, expected = gradients(model, model, own[None], None)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name][row], gradient)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(doubled[name])
    torch.testing.assert_close(other, model(ids).logits)


def test_gradients_of_gradients_are_refused():
    q, k, v = (torch.rand(1, 2, 9, 16, dtype=torch.float64, requires_grad=True) for _ in range(3))
    (dq,) = torch.autograd.grad(attention(q, k, v, HEAD).sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated once, not twice"):
        dq.sum().backward()


class Shifted(torch.nn.Module):
    def forward(self, x):
        return x + 0.125


def test_scalers_may_be_parametrised_or_replaced(model):
    changed, shifted = copy.deepcopy(model), copy.deepcopy(model)
    with torch.no_grad():
        changed.scalers(0).q_offset.add_(0.125)
    own = shifted.scalers(0)
    parametrize.register_parametrization(own, "q_offset", Shifted())
    ids = tokens(2, 20)
    expected = changed(ids).logits
    assert not torch.allclose(model(ids).logits, expected)
    torch.testing.assert_close(shifted(ids).logits, expected)
    # As fully sharded training with one flat parameter does.
    plain = changed.scalers(0).q_offset.detach()
    del changed.scalers(0).q_offset
    changed.scalers(0).q_offset = plain
    torch.testing.assert_close(changed(ids).logits, expected)


@pytest.mark.parametrize("family", MODELS)
def test_weights_may_stay_on_disk(family, tmp_path):
    options = StartOptions(rounds=1)
    model = closed_form(MODELS[family]().float(), HEAD, tokens(6, 40), options=options)
    model.save_pretrained(tmp_path / "model")
    offloaded = AutoModelForCausalLM.from_pretrained(
        tmp_path / "model", device_map={"": "disk"}, offload_folder=tmp_path / "offloaded"
    )
    assert all(p.is_meta for p in offloaded.parameters())
    ids = tokens(2, 20)
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    given = {"attention_mask": mask}
    assert torch.equal(offloaded(ids, **given).logits, model(ids, **given).logits)
    options = {"max_new_tokens": 4, "do_sample": False, "pad_token_id": 0, **given}
    assert torch.equal(offloaded.generate(ids, **options), model.generate(ids, **options))
    with pytest.raises(ValueError, match=r"is not in memory: load the model without offloading it"):
        convert(offloaded, HEAD)
