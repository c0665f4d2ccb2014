"""Families of models: what no record knows is refused by name, and one record adds a family."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from tiny_models import FULL, HEAD, MODELS, VOCABULARY, gpt2, llama, logits_by_layer, tokens
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.qwen3 import modeling_qwen3
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config

from gaincell.ml.models.anatomy import Block, Projection, check_anatomy
from gaincell.ml.models.convert import convert
from gaincell.ml.models.families import FAMILIES, LLAMA, blocks_of, family_of, register_family
from gaincell.ml.models.hardware_model import HardwareConfig, HardwareModel
from gaincell.ml.start import StartOptions, closed_form

pytestmark = pytest.mark.usefixtures("quiet_transformers")


def qwen3() -> modeling_qwen3.Qwen3ForCausalLM:
    torch.manual_seed(5)
    config = Qwen3Config(
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        hidden_size=48,
        intermediate_size=64,
        vocab_size=VOCABULARY,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = modeling_qwen3.Qwen3ForCausalLM(config).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "q_norm" in name or "k_norm" in name:
                parameter.mul_(2.0)
    return model


class Unknown(LlamaForCausalLM):
    """Of a class that no record names, although it has the parts of one."""


class GainCellQwen3Config(HardwareConfig, Qwen3Config):
    model_type = "gaincell_qwen3_of_the_test"


class GainCellQwen3ForCausalLM(HardwareModel, modeling_qwen3.Qwen3ForCausalLM):
    config_class = GainCellQwen3Config


class Qwen3Block(Block):
    def __init__(self, model, layer, dims: int) -> None:
        self.layer, self.dims, self.rotary = layer, dims, model.model.rotary_emb
        self.out, self.down = Projection(layer.self_attn.o_proj), Projection(layer.mlp.down_proj)

    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        attention, normed = self.layer.self_attn, self.layer.input_layernorm(stream)
        q, k, v = (
            torch.unflatten(projection(normed), 2, (-1, self.dims))
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        q, k = attention.q_norm(q), attention.k_norm(k)
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        position = torch.arange(stream.shape[1])[None]
        return *apply_rotary_pos_emb(q, k, *self.rotary(stream, position)), v

    def hidden(self, stream: Tensor) -> Tensor:
        mlp, normed = self.layer.mlp, self.layer.post_attention_layernorm(stream)
        return mlp.act_fn(mlp.gate_proj(normed)) * mlp.up_proj(normed)


CLASSES = {
    LLAMA.modules[path]: getattr(modeling_qwen3, LLAMA.modules[path].__name__.replace("Llama", of))
    for of in ["Qwen3"]
    for path in LLAMA.modules
    if LLAMA.modules[path].__name__.startswith("Llama")
}
AS_LLAMA = replace(
    LLAMA,
    stock=modeling_qwen3.Qwen3ForCausalLM,
    hardware=GainCellQwen3ForCausalLM,
    modules={path: CLASSES.get(each, each) for path, each in LLAMA.modules.items()},
)
"""The record of somebody who thinks that Qwen3 is Llama under another name."""

QWEN3 = replace(
    AS_LLAMA,
    block=Qwen3Block,
    modules=AS_LLAMA.modules
    | {f"model.layers.*.self_attn.{name}_norm": modeling_qwen3.Qwen3RMSNorm for name in ("q", "k")},
    attributes=LLAMA.attributes | {"layer_type", "sliding_window"},
)


@pytest.fixture
def _with_qwen3() -> Iterator[None]:
    before = dict(FAMILIES)
    register_family(QWEN3)
    yield
    FAMILIES.clear()
    FAMILIES.update(before)


def test_a_model_of_no_family_is_refused_by_name_before_anything_is_changed():
    model = Unknown(llama().config)
    known = ", ".join(dict.fromkeys(family.stock.__name__ for family in FAMILIES.values()))
    message = (
        f"the model is Unknown, but must be one of {known}; "
        "a record in gaincell.ml.models.families adds a family"
    )
    for attempt in (
        lambda: convert(model, HEAD),
        lambda: closed_form(model, HEAD, tokens(4, 20)),
        lambda: blocks_of(model),
    ):
        with pytest.raises(TypeError, match=message):
            attempt()
    assert type(model) is Unknown


def test_a_record_that_leaves_out_a_norm_of_queries_is_refused():
    with pytest.raises(ValueError, match=r"has a module model\.layers\.0\.self_attn\.q_norm \(Qwe"):
        check_anatomy(qwen3(), AS_LLAMA)
    with_norms = replace(AS_LLAMA, modules=QWEN3.modules)
    with pytest.raises(ValueError, match="attention with layer_type = 'full_attention' in layer 0"):
        check_anatomy(qwen3(), with_norms)
    check_anatomy(qwen3(), QWEN3)


@pytest.mark.usefixtures("_with_qwen3")
def test_one_record_adds_a_family(tmp_path):
    ids = tokens(2, 40)
    expected = qwen3()(ids).logits
    model = convert(qwen3(), FULL, "softmax")
    torch.testing.assert_close(model(ids).logits, expected)
    model.save_pretrained(tmp_path)
    again = GainCellQwen3ForCausalLM.from_pretrained(tmp_path, dtype=torch.float64)
    torch.testing.assert_close(again(ids).logits, expected)

    stock = qwen3()
    stream = QWEN3.first_stream(stock, ids)
    for block in blocks_of(stock):
        q, k, v = block.heads(stream)
        k, v = (each.repeat_interleave(2, 1) for each in (k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        middle = stream + block.out(y.transpose(1, 2).flatten(2))
        stream = middle + block.down(block.hidden(middle))
    torch.testing.assert_close(stock.lm_head(QWEN3.last_norm(stock)(stream)), expected)


@torch.no_grad()
def assert_computes_what_was_fitted(make, folder) -> None:
    """The start of ``make()`` in float32, against its layers computed one after the other."""
    model = closed_form(make(), FULL, tokens(10, 40), options=StartOptions(rounds=2), folder=folder)
    ids = tokens(2, 40, seed=9)
    expected, stock = logits_by_layer(make(), FULL, folder, ids), make()(ids).logits
    off = (model(ids).logits - expected).abs()
    # Float32 sums of another order may move a code by one.
    assert float(off.quantile(0.9)) < 1e-3
    assert float((stock - expected).abs().quantile(0.1)) > 1e-3


@pytest.mark.usefixtures("_with_qwen3")
def test_the_closed_form_start_takes_an_added_family(tmp_path):
    assert_computes_what_was_fitted(lambda: qwen3().float(), tmp_path / "layers")


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
    with pytest.raises(ValueError, match=f"the model has {message}.*record of LlamaForCausalLM"):
        convert(model, HEAD)
    assert type(model) is LlamaForCausalLM


def test_cross_attention_of_gpt2_is_refused():
    config = GPT2Config(**gpt2().config.to_dict() | {"add_cross_attention": True})
    with pytest.raises(ValueError, match=r"a module transformer\.h\.0\.crossattention"):
        convert(GPT2LMHeadModel(config), HEAD)


def test_an_attribute_that_is_switched_off_is_no_obstacle():
    model = changed(lambda model: setattr(model.model.layers[0].self_attn, "sliding_window", None))
    assert isinstance(convert(model, HEAD), HardwareModel)


@pytest.mark.parametrize("name", MODELS)
def test_a_converted_model_is_of_the_family_of_its_stock_class(name):
    stock = MODELS[name]()
    family = family_of(stock)
    model = convert(stock, HEAD)
    assert family_of(model) is model.family is family
    assert isinstance(model, family.hardware)
    assert [module.layer_idx for module in model.attention_layers()] == [0, 1, 2]


def test_another_scale_of_softmax_is_kept_by_ranges_and_refused_by_the_closed_form_start():
    def scaled() -> GPT2LMHeadModel:
        table = gpt2().config.to_dict() | {"scale_attn_by_inverse_layer_idx": True}
        torch.manual_seed(1)
        return GPT2LMHeadModel(GPT2Config(**table)).double().eval()

    ids = tokens(2, 40)
    expected = scaled()(ids).logits
    torch.testing.assert_close(convert(scaled(), FULL, "softmax")(ids).logits, expected)
    message = r"layer 1 scales its softmax by 0\.125, but the closed-form start fits 1 / sqrt\(16\)"
    with pytest.raises(ValueError, match=message):
        closed_form(scaled().float(), FULL, tokens(4, 20))


def test_biases_of_all_projections_are_part_of_the_start(tmp_path):
    def biased() -> LlamaForCausalLM:
        torch.manual_seed(6)
        table = llama().config.to_dict() | {"attention_bias": True, "mlp_bias": True}
        model = LlamaForCausalLM(LlamaConfig(**table | {"initializer_range": 0.1})).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    parameter.normal_(std=0.1)
        return model

    assert_computes_what_was_fitted(biased, tmp_path / "layers")


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_the_blocks_of_a_record_compute_the_stock_model(name):
    """Norms are no longer all ones: before rotary positions or behind them is not the same."""
    stock = MODELS[name]()
    generator = torch.Generator().manual_seed(7)
    for parameter in stock.parameters():
        if parameter.ndim == 1:
            drawn = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.add_(0.5 * drawn)
    family, ids = family_of(stock), tokens(2, 40)
    stream = family.first_stream(stock, ids)
    for block in blocks_of(stock):
        q, k, v = block.heads(stream)
        k, v = (each.repeat_interleave(q.shape[1] // k.shape[1], 1) for each in (k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        middle = stream + block.out(y.transpose(1, 2).flatten(2))
        stream = middle + block.down(block.hidden(middle))
    expected = stock(ids).logits
    torch.testing.assert_close(stock.lm_head(family.last_norm(stock)(stream)), expected)
