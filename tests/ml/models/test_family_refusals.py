"""Models that are no known family, or not as their class builds them, are refused by name."""

from functools import partial

import pytest
import torch
from tiny_models import (
    HEAD,
    gpt2,
    llama,
    small,
    tokens,
)
from torch import nn
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GptOssForCausalLM,
    LlamaForCausalLM,
    MixtralForCausalLM,
    MptConfig,
    MptForCausalLM,
    Olmo2ForCausalLM,
)

from gaincell.ml.models import families
from gaincell.ml.models.anatomy import Family
from gaincell.ml.models.convert import convert
from gaincell.ml.models.families import register_family
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start import closed_form

pytestmark = pytest.mark.usefixtures("quiet_transformers")


class Unknown(LlamaForCausalLM):
    """Of a class that no record names, although it has the parts of one."""


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


def bloom():
    return BloomForCausalLM(BloomConfig(n_layer=1, n_head=2, hidden_size=32, vocab_size=50))


def mpt():
    return MptForCausalLM(MptConfig(n_layers=1, n_heads=2, d_model=32, vocab_size=50))


def falcon(**options):
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "vocab_size": 50}
    return FalconForCausalLM(FalconConfig(**sizes | options))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (partial(small, Gemma2ForCausalLM, head_dim=16), "soft caps bend its attention scores"),
        (
            partial(small, GptOssForCausalLM, num_local_experts=2),
            "its softmax has sinks of its own",
        ),
        (bloom, "ALiBi adds distances to its attention scores"),
        (mpt, "ALiBi adds distances to its attention scores"),
        (partial(falcon, alibi=True), "ALiBi adds distances to its attention scores"),
        (falcon, "its class does not call the attention functions of transformers"),
        (partial(small, Olmo2ForCausalLM), "norms follow its attention and its MLP"),
        (partial(small, Gemma3ForCausalLM, head_dim=16), "norms follow its attention and its MLP"),
        (partial(small, MixtralForCausalLM, num_local_experts=2), "its MLPs consist of experts"),
    ],
)
def test_what_no_record_could_add_is_refused_with_the_reason(make, reason):
    model = make()
    message = f"the model is {type(model).__name__}, but must be one of GPT2LMHead.*; {reason}"
    with pytest.raises(TypeError, match=message):
        convert(model, HEAD)


def test_a_class_with_attention_of_its_own_cannot_be_registered():
    class Own(HardwareModel, BloomForCausalLM):
        pass

    with pytest.raises(ValueError, match="BloomForCausalLM does not call the attention functions"):
        register_family(Family(stock=BloomForCausalLM, hardware=Own))


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


def test_scores_that_are_more_than_products_are_refused():
    model = convert(llama(), HEAD)
    for name in ("softcap", "s_aux", "position_bias"):
        with pytest.raises(ValueError, match=f"attention is called with {name}, which changes"):
            model(tokens(1, 8), **{name: torch.ones(1)})
