"""Each family goes through all starts, and its layers, taken apart, are those of the model."""

from collections.abc import Iterator

import pytest
import torch
from tiny_models import (
    FAMILIES,
    FULL,
    HEAD,
    LONG_ROPE,
    VARIANTS,
    llama,
    logits_by_layer,
    small,
    tokens,
)
from torch import Tensor
from transformers import (
    DynamicCache,
    Phi3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from gaincell.config import HeadConfig
from gaincell.ml.attention.softmax import softmax_attention
from gaincell.ml.evaluate.baselines import attending
from gaincell.ml.models import families
from gaincell.ml.models.anatomy import Family
from gaincell.ml.models.codes import record_codes
from gaincell.ml.models.convert import convert
from gaincell.ml.models.families import family_of, head_dim_of, own_window, register_family
from gaincell.ml.models.hardware_model import HardwareConfig, HardwareModel
from gaincell.ml.start import StartOptions, closed_form
from gaincell.ml.start.by_layer.blocks import taken_apart
from gaincell.ml.start.by_layer.layer_start import joined
from gaincell.ml.start.matching import match_moments
from gaincell.ml.start.moments import moments_of
from gaincell.ml.start.ranges import fit_ranges

pytestmark = pytest.mark.usefixtures("quiet_transformers")

QUICK = StartOptions(rounds=2, recent=3)


class GainCellSmolLM3Config(HardwareConfig, SmolLM3Config):
    model_type = "gaincell_smollm3_of_the_test"


class GainCellSmolLM3ForCausalLM(HardwareModel, SmolLM3ForCausalLM):
    config_class = GainCellSmolLM3Config


SMOLLM3 = Family(stock=SmolLM3ForCausalLM, hardware=GainCellSmolLM3ForCausalLM)


@pytest.fixture
def _with_smollm3() -> Iterator[None]:
    before = dict(families.FAMILIES)
    register_family(SMOLLM3)
    yield
    families.FAMILIES.clear()
    families.FAMILIES.update(before)


def smollm3():
    """Layer 3 of 4 has no rotary positions."""
    return small(SmolLM3ForCausalLM, num_hidden_layers=4)


def sharp(make):
    """In float32, with norms and weights at which attention is not flat, nor nearly linear."""
    model = make().float()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.mul_(3.0)
    return model


def head_of(model, head: HeadConfig) -> HeadConfig:
    """The head with the model's dimensions."""
    return HeadConfig(**head.fields_set() | {"head_dim": head_dim_of(model.config)})


@pytest.mark.usefixtures("_with_smollm3")
@torch.no_grad()
def test_one_record_adds_a_family(tmp_path):
    ids = tokens(2, 40)
    expected = smollm3()(ids).logits
    model = convert(smollm3(), FULL, "softmax")
    torch.testing.assert_close(model(ids).logits, expected)
    model.save_pretrained(tmp_path)
    again = GainCellSmolLM3ForCausalLM.from_pretrained(tmp_path, dtype=torch.float64)
    torch.testing.assert_close(again(ids).logits, expected)
    assert_takes_apart(smollm3)


@torch.no_grad()
def assert_takes_apart(make) -> None:
    """What the start takes from each layer gives attention, and the stream, of the eager model."""
    ids, model = tokens(2, 40), sharp(make)
    model.config._attn_implementation = "eager"
    family, outputs, streams = family_of(model), [], []
    for layer in family.layers_of(model):
        out = layer.get_submodule(family.out)
        out.register_forward_pre_hook(lambda _, args: outputs.append(args[0]))
        layer.register_forward_hook(lambda _, args, after: streams.append((args[0], after)))
    model(ids, use_cache=False)
    for layer in family.layers_of(model):
        layer._forward_hooks.clear()
        layer.get_submodule(family.out)._forward_pre_hooks.clear()
    close = {"rtol": 1e-4, "atol": 1e-4}
    with taken_apart(model, ids) as (stream, blocks):
        torch.testing.assert_close(stream, streams[0][0])
        for block, y, (before, after) in zip(blocks, outputs, streams, strict=True):
            heads = block.heads(before)
            torch.testing.assert_close(joined(heads.softmax()), y, **close)
            torch.testing.assert_close(block.after(before), after, **close)
            added = block.out(y)
            torch.testing.assert_close(block.finished(before, added), after, **close)
            # The MLP's last projection enters the stream as the start takes it.
            more = torch.ones_like(before)
            moved = block.finished(before, added, lambda hidden, of=block: of.down(hidden) + 1)
            torch.testing.assert_close(moved, after + block.residual * more, **close)
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("name", VARIANTS)
def test_attention_and_stream_of_a_start_are_those_of_the_model(name):
    assert_takes_apart(VARIANTS[name])


@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_a_layer_that_is_not_converted_is_the_stock_model(name):
    ids, model = tokens(2, 40), VARIANTS[name]()
    expected = model(ids).logits
    convert(model, head_of(model, HEAD), "stock")
    torch.testing.assert_close(model(ids).logits, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def assert_computes_what_was_fitted(make, folder) -> None:
    """The start of ``make()`` in float32, against its layers computed one after the other."""
    stock, ids = sharp(make), tokens(2, 40, seed=9)
    head = head_of(stock, HEAD)
    wanted = stock(ids).logits
    model = closed_form(sharp(make), head, tokens(6, 40), options=QUICK, folder=folder)
    expected = logits_by_layer(stock, head, folder, ids, QUICK.recent)
    off = (model(ids).logits - expected).abs()
    # Float32 sums of another order may move a code by one.
    assert float(off.quantile(0.9)) < 1e-3 * float(expected.std())
    assert float((wanted - expected).abs().median()) > 1e-3 * float(expected.std())


@pytest.mark.parametrize("name", sorted(VARIANTS.keys() - {"gpt2", "llama"}))
def test_the_closed_form_start_computes_what_was_fitted(name, tmp_path):
    assert_computes_what_was_fitted(VARIANTS[name], tmp_path / "layers")


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - {"gpt2", "llama"}))
def test_every_family_has_every_start_and_generates_from_its_arrays(name, tmp_path):
    ids = tokens(2, 30)
    stock = FAMILIES[name]()
    stock.save_pretrained(tmp_path / "stock")
    model = type(stock).from_pretrained(tmp_path / "stock", dtype=torch.float64)
    convert(model, HEAD, "linear", layers=[0, 2])
    fit_ranges(model, ids)
    targets = moments_of(model, ids)
    convert(model, HEAD, "hardware", layers=[0, 2])
    assert match_moments(model, targets, ids).converged
    options = {"do_sample": False, "max_new_tokens": 6, "pad_token_id": 0}
    options["attention_mask"] = torch.ones_like(ids)
    expected = model.generate(ids, use_cache=False, **options)
    assert torch.equal(model.generate(ids, **options), expected)
    model(ids, labels=ids).loss.backward()
    assert all(bool(part.grad.abs().max() > 0) for part in model.scalers(0).pair("q"))
    codes = record_codes(model, ids[0], [(2, 3)])[2, 3]
    assert codes.q.shape == codes.y.shape == (30, 16)
    with torch.no_grad(), attending(model, "stock"):
        found, wanted = model(ids).logits, stock(ids).logits
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, dtype=torch.float64).eval()
    assert torch.equal(again(ids).logits, model(ids).logits)


def test_a_sliding_window_of_the_model_bounds_the_heads_window():
    model = VARIANTS["qwen2 of two kinds"]()
    assert [own_window(model.config, layer) for layer in range(3)] == [None, 16, 16]
    message = "layer 1 of the model sees 16 tokens, its own sliding window, but window of the conf"
    for kind in ("hardware", "linear", "softmax"):
        with pytest.raises(ValueError, match=f"{message}.* is 64: choose 16 or less"):
            convert(model, FULL, kind)
    assert isinstance(convert(model, FULL, "hardware", layers=[0]), HardwareModel)
    assert own_window(llama(sliding_window=8).config, 0) is None  # Llama has none


def test_generation_goes_on_where_rotary_positions_change_to_those_of_long_texts():
    model = convert(small(Phi3ForCausalLM, rope_parameters=LONG_ROPE), HEAD)
    ids = tokens(1, 28)
    fit_ranges(model, ids)
    options = {"do_sample": False, "max_new_tokens": 10, "pad_token_id": 0}
    options["attention_mask"] = torch.ones_like(ids)
    expected = model.generate(ids, use_cache=False, **options)
    assert torch.equal(model.generate(ids, **options), expected)


@torch.no_grad()
def test_a_sliding_window_is_kept_by_stock_layers_with_every_cache():
    ids = tokens(2, 40)
    expected = FAMILIES["mistral"]()(ids, use_cache=False).logits
    no_sink = HeadConfig(**HEAD.fields_set() | {"sink": 0})
    for kind in ("softmax", "stock"):
        model = convert(FAMILIES["mistral"](), no_sink, kind)
        torch.testing.assert_close(model(ids).logits, expected)
        cache = DynamicCache()
        parts = [model(part, past_key_values=cache).logits for part in ids.split([25, 1, 14], 1)]
        torch.testing.assert_close(torch.cat(parts, 1), expected)
    mask = torch.ones_like(ids)
    mask[1, :7] = 0
    position = (mask.cumsum(1) - 1).clamp(min=0)
    padded = model(ids, attention_mask=mask, position_ids=position, use_cache=False).logits
    torch.testing.assert_close(padded[1:, 7:], model(ids[1:, 7:]).logits)
    position = torch.arange(20).repeat(2)[None]
    with pytest.raises(ValueError, match="several sequences in one row"):
        model(ids[:1], position_ids=position, use_cache=False)


@torch.no_grad()
def test_attention_from_heads_is_the_formula():
    """Of softmax over a sliding window with a scale, written down."""
    ids = tokens(1, 40)
    with taken_apart(FAMILIES["mistral"](), ids) as (stream, blocks):
        heads = blocks[0].heads(stream)
    scores = heads.q @ heads.k.repeat_interleave(2, 1).transpose(2, 3) * 16**-0.5
    age = torch.arange(40)[:, None] - torch.arange(40)
    weight = scores.masked_fill((age < 0) | (age > 15), -torch.inf).softmax(3)
    expected: Tensor = weight @ heads.v.repeat_interleave(2, 1)
    torch.testing.assert_close(heads.softmax(), expected)
    whole = softmax_attention(heads.q, heads.k, heads.v, None)
    assert not torch.allclose(whole, expected)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_converted_model_is_of_the_family_of_its_stock_class(name):
    stock = FAMILIES[name]()
    family = family_of(stock)
    model = convert(stock, HEAD)
    assert family_of(model) is model.family is family
    assert isinstance(model, family.hardware)
    assert [module.layer_idx for module in model.attention_layers()] == [0, 1, 2]
