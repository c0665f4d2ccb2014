"""The model families that can be converted, one record each: here a new one is added.

A record names the classes, the way to each part of a model that conversion or the closed-form start
touches, and all parts that such a model has. A model that is of no family, or has a part that its
record does not name, is refused. Adding a family takes a config class, a model class, a ``Block``
and a record below, and its name in the loop that registers all records.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)
from transformers.models.gpt2.modeling_gpt2 import GPT2MLP, GPT2Attention, GPT2Block, GPT2Model
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaDecoderLayer,
    LlamaMLP,
    LlamaModel,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
)
from transformers.pytorch_utils import Conv1D

from gaincell.ml.models.anatomy import Block, Family, Projection
from gaincell.ml.models.hardware_model import HardwareConfig, HardwareModel


class GainCellGPT2Config(HardwareConfig, GPT2Config):
    model_type = "gaincell_gpt2"


class GainCellGPT2LMHeadModel(HardwareModel, GPT2LMHeadModel):
    config_class = GainCellGPT2Config


class _Gpt2Block(Block):
    def __init__(self, _: Any, layer: Any, dims: int) -> None:
        self.layer, self.dims = layer, dims
        self.out, self.down = Projection(layer.attn.c_proj), Projection(layer.mlp.c_proj)
        self.packed = Projection(layer.attn.c_attn)

    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed = self.layer.attn.c_attn(self.layer.ln_1(stream))  # (W, T, 3 * H * D)
        parts = torch.unflatten(packed, 2, (3, -1, self.dims)).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        return q, k, v

    def hidden(self, stream: Tensor) -> Tensor:
        hidden: Tensor = self.layer.mlp.act(self.layer.mlp.c_fc(self.layer.ln_2(stream)))
        return hidden


def _gpt2_stream(model: Any, input_ids: Tensor) -> Tensor:
    position = torch.arange(input_ids.shape[1], device=input_ids.device)
    stream: Tensor = model.transformer.wte(input_ids) + model.transformer.wpe(position)
    return stream


GPT2 = Family(
    stock=GPT2LMHeadModel,
    hardware=GainCellGPT2LMHeadModel,
    layers=lambda model: model.transformer.h,
    attention=lambda layer: layer.attn,
    block=_Gpt2Block,
    first_stream=_gpt2_stream,
    last_norm=lambda model: model.transformer.ln_f,
    dropout=("attn_pdrop", "attn_dropout"),
    modules={
        "transformer": GPT2Model,
        "transformer.wte": nn.Embedding,
        "transformer.wpe": nn.Embedding,
        "transformer.drop": nn.Dropout,
        "transformer.h": nn.ModuleList,
        "transformer.h.*": GPT2Block,
        "transformer.h.*.ln_1": nn.LayerNorm,
        "transformer.h.*.attn": GPT2Attention,
        "transformer.h.*.attn.c_attn": Conv1D,
        "transformer.h.*.attn.c_proj": Conv1D,
        "transformer.h.*.attn.attn_dropout": nn.Dropout,
        "transformer.h.*.attn.resid_dropout": nn.Dropout,
        "transformer.h.*.ln_2": nn.LayerNorm,
        "transformer.h.*.mlp": GPT2MLP,
        "transformer.h.*.mlp.c_fc": Conv1D,
        "transformer.h.*.mlp.c_proj": Conv1D,
        "transformer.h.*.mlp.act": nn.Module,
        "transformer.h.*.mlp.dropout": nn.Dropout,
        "transformer.ln_f": nn.LayerNorm,
        "lm_head": nn.Linear,
    },
    attributes=frozenset(
        {
            "config",
            "embed_dim",
            "head_dim",
            "is_causal",
            "is_cross_attention",
            "layer_idx",
            "num_heads",
            "reorder_and_upcast_attn",
            "scale_attn_by_inverse_layer_idx",
            "scale_attn_weights",
            "scaling",
            "split_size",
        }
    ),
)


class GainCellLlamaConfig(HardwareConfig, LlamaConfig):
    model_type = "gaincell_llama"


class GainCellLlamaForCausalLM(HardwareModel, LlamaForCausalLM):
    config_class = GainCellLlamaConfig


class _LlamaBlock(Block):
    def __init__(self, model: Any, layer: Any, dims: int) -> None:
        self.layer, self.dims, self.rotary = layer, dims, model.model.rotary_emb
        self.out, self.down = Projection(layer.self_attn.o_proj), Projection(layer.mlp.down_proj)

    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        attention, normed = self.layer.self_attn, self.layer.input_layernorm(stream)
        q, k, v = (
            torch.unflatten(projection(normed), 2, (-1, self.dims)).transpose(1, 2)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        position = torch.arange(stream.shape[1], device=stream.device)[None]
        q, k = apply_rotary_pos_emb(q, k, *self.rotary(stream, position))
        return q, k, v

    def hidden(self, stream: Tensor) -> Tensor:
        mlp, normed = self.layer.mlp, self.layer.post_attention_layernorm(stream)
        hidden: Tensor = mlp.act_fn(mlp.gate_proj(normed)) * mlp.up_proj(normed)
        return hidden


LLAMA = Family(
    stock=LlamaForCausalLM,
    hardware=GainCellLlamaForCausalLM,
    layers=lambda model: model.model.layers,
    attention=lambda layer: layer.self_attn,
    block=_LlamaBlock,
    first_stream=lambda model, input_ids: model.model.embed_tokens(input_ids),
    last_norm=lambda model: model.model.norm,
    dropout=("attention_dropout", "attention_dropout"),
    modules={
        "model": LlamaModel,
        "model.embed_tokens": nn.Embedding,
        "model.layers": nn.ModuleList,
        "model.layers.*": LlamaDecoderLayer,
        "model.layers.*.self_attn": LlamaAttention,
        "model.layers.*.self_attn.q_proj": nn.Linear,
        "model.layers.*.self_attn.k_proj": nn.Linear,
        "model.layers.*.self_attn.v_proj": nn.Linear,
        "model.layers.*.self_attn.o_proj": nn.Linear,
        "model.layers.*.mlp": LlamaMLP,
        "model.layers.*.mlp.gate_proj": nn.Linear,
        "model.layers.*.mlp.up_proj": nn.Linear,
        "model.layers.*.mlp.down_proj": nn.Linear,
        "model.layers.*.mlp.act_fn": nn.Module,
        "model.layers.*.input_layernorm": LlamaRMSNorm,
        "model.layers.*.post_attention_layernorm": LlamaRMSNorm,
        "model.norm": LlamaRMSNorm,
        "model.rotary_emb": LlamaRotaryEmbedding,
        "lm_head": nn.Linear,
    },
    attributes=frozenset(
        {
            "attention_dropout",
            "config",
            "head_dim",
            "is_causal",
            "layer_idx",
            "num_key_value_groups",
            "scaling",
        }
    ),
)

FAMILIES: dict[type[Any], Family] = {}
"""The record of each stock class and of each hardware class."""


def register_family(family: Family) -> None:
    """Let ``convert`` take models of a family, and ``AutoModelForCausalLM`` load converted ones."""
    hardware = family.hardware
    hardware.family = family
    AutoConfig.register(hardware.config_class.model_type, hardware.config_class, exist_ok=True)
    AutoModelForCausalLM.register(hardware.config_class, hardware, exist_ok=True)
    FAMILIES.update({family.stock: family, hardware: family})


for _family in (GPT2, LLAMA):
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
            f"the model is {type(model).__name__}, but must be one of {known}; a record in "
            "gaincell.ml.models.families adds a family"
        )
    return family


def head_dim_of(config: Any) -> int:
    """D, the dimensions of a model's heads."""
    dims = getattr(config, "head_dim", None)
    return int(dims or config.hidden_size // config.num_attention_heads)


def blocks_of(model: Any) -> list[Block]:
    """The layers of a stock or converted model, taken apart; raises as ``family_of``."""
    family, dims = family_of(model), head_dim_of(model.config)
    return [family.block(model, layer, dims) for layer in family.layers(model)]
