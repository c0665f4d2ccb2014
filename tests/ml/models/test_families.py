"""Families of models: each goes through all starts, and what none of them is is refused by name."""

from collections.abc import Iterator

import pytest
import torch
from tiny_models import (
    FAMILIES,
    FULL,
    HEAD,
    VARIANTS,
    VOCABULARY,
    gpt2,
    llama,
    logits_by_layer,
    small,
    tokens,
)
from torch import Tensor, nn
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    DynamicCache,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GptOssForCausalLM,
    LlamaForCausalLM,
    MptConfig,
    MptForCausalLM,
    Olmo2ForCausalLM,
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

QUICK = StartOptions(rounds=2)


class Unknown(LlamaForCausalLM):
    """Of a class that no record names, although it has the parts of one."""


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


def test_a_model_of_no_family_is_refused_by_name_before_anything_is_changed():
    model = Unknown(llama().config)
    known = ", ".join(dict.fromkeys(family.stock.__name__ for family in families.FAMILIES.values()))
    message = (
        f"the model is Unknown, but must be one of {known}; "
        "a record in gaincell.ml.models.families adds a family"
    )
    for attempt in (
        lambda: convert(model, HEAD),
        lambda: closed_form(model, HEAD, tokens(4, 20)),
    ):
        with pytest.raises(TypeError, match=message):
            attempt()
    assert type(model) is Unknown


SMALLEST = {"num_hidden_layers": 1, "vocab_size": VOCABULARY, "hidden_size": 32}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: small(Gemma2ForCausalLM, head_dim=16), "soft caps bend its attention scores"),
        (
            lambda: small(GptOssForCausalLM, head_dim=16, num_local_experts=2, sliding_window=8),
            "its softmax has sinks of its own",
        ),
        (
            lambda: BloomForCausalLM(BloomConfig(n_layer=1, n_head=2, hidden_size=32)),
            "ALiBi adds distances to its attention scores",
        ),
        (
            lambda: MptForCausalLM(MptConfig(n_layers=1, n_heads=2, d_model=32, vocab_size=50)),
            "ALiBi adds distances to its attention scores",
        ),
    ],
)
def test_what_the_arrays_cannot_compute_is_refused_with_the_reason(make, reason):
    model = make()
    name = type(model).__name__
    message = f"the model is {name}, but must be one of GPT2.*; {reason}, which the arrays do not"
    with pytest.raises(TypeError, match=message):
        convert(model, HEAD)


def test_norms_behind_attention_are_no_part_of_a_known_family():
    with pytest.raises(TypeError, match="the model is Olmo2ForCausalLM, but must be one of GPT2"):
        convert(small(Olmo2ForCausalLM), HEAD)


def test_a_class_with_attention_of_its_own_cannot_be_registered():
    class Own(HardwareModel, BloomForCausalLM):
        pass

    with pytest.raises(ValueError, match="BloomForCausalLM does not call the attention functions"):
        register_family(Family(stock=BloomForCausalLM, hardware=Own))


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
    expected = logits_by_layer(stock, head, folder, ids)
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
    model = convert(FAMILIES[name](), HEAD, "linear", layers=[0, 2])
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


def changed(change, model=None):
    model = llama() if model is None else model
    change(model)
    return model


def sinks(model):
    model.model.layers[1].self_attn.sinks = nn.Parameter(torch.zeros(4))


def softcap(model):
    model.model.layers[2].self_attn.attn_logit_softcapping = 50.0


def sliding_window(model):
    model.model.layers[0].self_attn.sliding_window = 16


def norm_of_queries(model):
    model.model.layers[2].self_attn.q_norm = nn.LayerNorm(16)


def norm_after_attention(model):
    model.model.layers[0].post_feedforward_layernorm = nn.Identity()


def other_attention(model):
    model.model.layers[0].self_attn.q_proj = nn.Identity()


def other_forward(model):
    attention = model.model.layers[0].self_attn
    attention.forward = attention.forward


def two_directions(model):
    model.model.layers[1].self_attn.is_causal = False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sinks, r"a tensor model\.layers\.1\.self_attn\.sinks"),
        (softcap, r"attention with attn_logit_softcapping = 50\.0 in layer 2"),
        (sliding_window, "attention with sliding_window = 16 in layer 0"),
        (norm_of_queries, r"a module model\.layers\.2\.self_attn\.q_norm \(LayerNorm\)"),
        (norm_after_attention, r"a module model\.layers\.0\.post_feedforward_layernorm"),
        (other_attention, r"model\.layers\.0\.self_attn\.q_proj of class Identity"),
        (other_forward, "attention with forward in layer 0"),
        (two_directions, "attention that is not causal in layer 1"),
        (lambda model: model.add_module("score", nn.Linear(1, 1)), r"a module score \(Linear\)"),
        (lambda model: delattr(model.model, "rotary_emb"), r"no module model\.rotary_emb"),
        (
            lambda model: delattr(model.model.layers[1].self_attn, "num_key_value_groups"),
            "attention without num_key_value_groups in layer 1",
        ),
    ],
)
def test_a_llama_with_a_part_that_its_record_does_not_name_is_refused(change, message):
    model = changed(change)
    with pytest.raises(
        ValueError, match=f"the model has {message}.*unlike the LlamaForCausalLM of its config"
    ):
        convert(model, HEAD)
    assert type(model) is LlamaForCausalLM


def test_cross_attention_of_gpt2_is_refused():
    config = GPT2Config(**gpt2().config.to_dict() | {"add_cross_attention": True})
    with pytest.raises(ValueError, match="the model has cross-attention"):
        convert(GPT2LMHeadModel(config), HEAD)


def test_an_attribute_that_is_switched_off_is_no_obstacle():
    model = changed(lambda model: setattr(model.model.layers[0].self_attn, "sliding_window", None))
    assert isinstance(convert(model, HEAD), HardwareModel)


def test_a_sliding_window_of_the_model_bounds_the_heads_window():
    model = VARIANTS["qwen2 of two kinds"]()
    assert [own_window(model.config, layer) for layer in range(3)] == [None, 16, 16]
    message = "layer 1 of the model sees 16 tokens, its own sliding window, but window of the conf"
    for kind in ("hardware", "linear", "softmax"):
        with pytest.raises(ValueError, match=f"{message}.* is 64: choose 16 or less"):
            convert(model, FULL, kind)
    assert isinstance(convert(model, FULL, "hardware", layers=[0]), HardwareModel)


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


def test_scores_that_are_more_than_products_are_refused():
    model = convert(llama(), HEAD)
    for name in ("softcap", "s_aux", "position_bias"):
        with pytest.raises(ValueError, match=f"attention is called with {name}, which changes"):
            model(tokens(1, 8), **{name: torch.ones(1)})


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
