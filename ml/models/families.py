"""The model families that can be converted, one record each: here a new one is added.

A record names the classes, and the few parts of a model that conversion and the starts replace. The
model's own modules compute all else. Adding a family takes a config class, a model class and a
record below, and its name in the loop that registers all records.
"""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    OlmoConfig,
    OlmoForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.conversion_mapping import (
    get_checkpoint_conversion_mapping,
    register_checkpoint_conversion_mapping,
)

from gaincell.ml.models.anatomy import Family
from gaincell.ml.models.hardware_model import HardwareConfig, HardwareModel


class GainCellGPT2Config(HardwareConfig, GPT2Config):
    model_type = "gaincell_gpt2"


class GainCellGPT2LMHeadModel(HardwareModel, GPT2LMHeadModel):
    config_class = GainCellGPT2Config


GPT2 = Family(
    stock=GPT2LMHeadModel,
    hardware=GainCellGPT2LMHeadModel,
    layers="transformer.h",
    last_norm="transformer.ln_f",
    attention="attn",
    out="attn.c_proj",
    down="mlp.c_proj",
    packed="attn.c_attn",
    dropout=("attn_pdrop", "attn_dropout"),
)


class GainCellLlamaConfig(HardwareConfig, LlamaConfig):
    model_type = "gaincell_llama"


class GainCellLlamaForCausalLM(HardwareModel, LlamaForCausalLM):
    config_class = GainCellLlamaConfig


LLAMA = Family(stock=LlamaForCausalLM, hardware=GainCellLlamaForCausalLM)


class GainCellQwen2Config(HardwareConfig, Qwen2Config):
    model_type = "gaincell_qwen2"


class GainCellQwen2ForCausalLM(HardwareModel, Qwen2ForCausalLM):
    config_class = GainCellQwen2Config


QWEN2 = Family(stock=Qwen2ForCausalLM, hardware=GainCellQwen2ForCausalLM)


class GainCellQwen3Config(HardwareConfig, Qwen3Config):
    model_type = "gaincell_qwen3"


class GainCellQwen3ForCausalLM(HardwareModel, Qwen3ForCausalLM):
    config_class = GainCellQwen3Config


QWEN3 = Family(stock=Qwen3ForCausalLM, hardware=GainCellQwen3ForCausalLM)


class GainCellMistralConfig(HardwareConfig, MistralConfig):
    model_type = "gaincell_mistral"


class GainCellMistralForCausalLM(HardwareModel, MistralForCausalLM):
    config_class = GainCellMistralConfig


MISTRAL = Family(stock=MistralForCausalLM, hardware=GainCellMistralForCausalLM)


class GainCellPhi3Config(HardwareConfig, Phi3Config):
    model_type = "gaincell_phi3"


class GainCellPhi3ForCausalLM(HardwareModel, Phi3ForCausalLM):
    config_class = GainCellPhi3Config


PHI3 = Family(stock=Phi3ForCausalLM, hardware=GainCellPhi3ForCausalLM)


class GainCellGPTNeoXConfig(HardwareConfig, GPTNeoXConfig):
    model_type = "gaincell_gpt_neox"


class GainCellGPTNeoXForCausalLM(HardwareModel, GPTNeoXForCausalLM):
    config_class = GainCellGPTNeoXConfig


GPT_NEOX = Family(
    stock=GPTNeoXForCausalLM,
    hardware=GainCellGPTNeoXForCausalLM,
    layers="gpt_neox.layers",
    last_norm="gpt_neox.final_layer_norm",
    attention="attention",
    out="attention.dense",
    down="mlp.dense_4h_to_h",
)


class GainCellOlmoConfig(HardwareConfig, OlmoConfig):
    model_type = "gaincell_olmo"


class GainCellOlmoForCausalLM(HardwareModel, OlmoForCausalLM):
    config_class = GainCellOlmoConfig


OLMO = Family(stock=OlmoForCausalLM, hardware=GainCellOlmoForCausalLM)


class GainCellGraniteConfig(HardwareConfig, GraniteConfig):
    model_type = "gaincell_granite"


class GainCellGraniteForCausalLM(HardwareModel, GraniteForCausalLM):
    config_class = GainCellGraniteConfig


GRANITE = Family(
    stock=GraniteForCausalLM,
    hardware=GainCellGraniteForCausalLM,
    residual="residual_multiplier",
)

FAMILIES: dict[type[Any], Family] = {}
"""The record of each stock class and of each hardware class."""


def register_family(family: Family) -> None:
    """Let ``convert`` take models of a family, and ``AutoModelForCausalLM`` load converted ones.

    Raises
    ------
    ValueError
        The stock class computes attention in a way of its own, which nothing can replace.
    """
    hardware = family.hardware
    if not getattr(hardware, "_supports_attention_backend", False):
        raise ValueError(
            f"{family.stock.__name__} does not call the attention functions of transformers, so "
            "its attention cannot be replaced"
        )
    hardware.family = family
    AutoConfig.register(hardware.config_class.model_type, hardware.config_class, exist_ok=True)
    AutoModelForCausalLM.register(hardware.config_class, hardware, exist_ok=True)
    # Names of weights in files: those of GPT-NeoX differ from the model's.
    for stock, own in (
        (family.stock.config_class.model_type, hardware.config_class.model_type),
        (family.stock.__name__, hardware.__name__),
    ):
        names = get_checkpoint_conversion_mapping(stock)
        if names is not None:
            register_checkpoint_conversion_mapping(own, names, overwrite=True)
    FAMILIES.update({family.stock: family, hardware: family})


for _family in (GPT2, LLAMA, QWEN2, QWEN3, MISTRAL, PHI3, GPT_NEOX, OLMO, GRANITE):
    register_family(_family)


def family_of(model: Any) -> Family:
    """The record of a stock or converted model's family.

    Raises
    ------
    TypeError
        A model of no family that has a record.
    """
    family = FAMILIES.get(type(model))
    if family is None:
        known = ", ".join(dict.fromkeys(each.stock.__name__ for each in FAMILIES.values()))
        raise TypeError(
            f"the model is {type(model).__name__}, but must be one of {known}; "
            + (obstacle_of(model) or "a record in gaincell.ml.models.families adds a family")
        )
    return family


def head_dim_of(config: Any) -> int:
    """D, the dimensions of a model's heads."""
    dims = getattr(config, "head_dim", None)
    return int(dims or config.hidden_size // config.num_attention_heads)


def own_window(config: Any, layer: int) -> int | None:
    """Tokens that a layer of the stock model sees, its sliding window; None: all before it."""
    if not hasattr(type(config), "sliding_window"):
        return None  # a stray entry of config.json, which its class ignores
    window: int | None = config.sliding_window
    types = getattr(config, "layer_types", None)
    return None if types and types[layer] != "sliding_attention" else window


def obstacle_of(model: Any) -> str | None:
    """Why no record could add the model's class, in one clause; None: nothing is known."""
    config = getattr(model, "config", None)
    parts = [path for path, _ in getattr(model, "named_modules", list)()]
    tensors = [path for path, _ in getattr(model, "named_parameters", list)()]
    if getattr(config, "attn_logit_softcapping", None):
        return "soft caps bend its attention scores, which the arrays do not compute"
    if any(path.endswith(".sinks") for path in tensors):
        return "its softmax has sinks of its own, which the arrays do not compute"
    if getattr(config, "model_type", None) in ("bloom", "mpt") or getattr(config, "alibi", False):
        return "ALiBi adds distances to its attention scores, which the arrays do not compute"
    if any(path.endswith(".post_feedforward_layernorm") for path in parts):
        return "norms follow its attention and its MLP, and no start fits projections before a norm"
    if any(path.endswith(".experts") for path in parts):
        return "its MLPs consist of experts, and the closed-form start fits one projection for each"
    if config is not None and not getattr(model, "_supports_attention_backend", False):
        return "its class does not call the attention functions of transformers"
    return None
