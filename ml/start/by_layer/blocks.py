"""One layer of a language model taken apart: heads, output projection, and the MLP's last one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GPT2LMHeadModel, PreTrainedModel
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.pytorch_utils import Conv1D


class Projection:
    """A linear or Conv1D module as y = weight @ x + bias; weight (out, in), bias (out,) or None."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._turned = isinstance(module, Conv1D)

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.module.weight.detach()  # type: ignore[operator]
        return weight.t() if self._turned else weight

    @property
    def bias(self) -> Tensor | None:
        bias: Tensor | None = self.module.bias  # type: ignore[assignment]
        return None if bias is None else bias.detach()

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor | None) -> None:
        """Give the module other numbers; ``bias`` None leaves it."""
        self.module.weight.copy_(weight.t() if self._turned else weight)  # type: ignore[operator]
        if bias is not None:
            self.module.bias.copy_(bias)  # type: ignore[operator]

    def __call__(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


class Block(ABC):
    """A layer without caches and masks; streams are (W, T, C), all starting at position 0.

    out, down : the last projections of attention and of the MLP
    """

    out: Projection
    down: Projection

    @abstractmethod
    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q (W, H, T, D), k and v (W, H_kv, T, D) as attention takes them."""

    @abstractmethod
    def hidden(self, stream: Tensor) -> Tensor:
        """What ``down`` takes, (W, T, I), of the stream after attention."""


class _Gpt2Block(Block):
    def __init__(self, layer: Any, dims: int) -> None:
        self.layer, self.dims = layer, dims
        self.out, self.down = Projection(layer.attn.c_proj), Projection(layer.mlp.c_proj)

    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed = self.layer.attn.c_attn(self.layer.ln_1(stream))  # (W, T, 3 * H * D)
        parts = torch.unflatten(packed, 2, (3, -1, self.dims)).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        return q, k, v

    def hidden(self, stream: Tensor) -> Tensor:
        hidden: Tensor = self.layer.mlp.act(self.layer.mlp.c_fc(self.layer.ln_2(stream)))
        return hidden


class _LlamaBlock(Block):
    def __init__(self, layer: Any, dims: int, rotary: nn.Module) -> None:
        self.layer, self.dims, self.rotary = layer, dims, rotary
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


def blocks_of(model: PreTrainedModel, dims: int) -> list[Block]:
    """The layers of a GPT-2 or Llama model, stock or converted, with heads of ``dims``."""
    whole: Any = model
    if isinstance(model, GPT2LMHeadModel):
        return [_Gpt2Block(layer, dims) for layer in whole.transformer.h]
    return [_LlamaBlock(layer, dims, whole.model.rotary_emb) for layer in whole.model.layers]


def first_stream(model: PreTrainedModel, input_ids: Tensor) -> Tensor:
    """The residual stream (W, T, C) before layer 0."""
    whole: Any = model
    if isinstance(model, GPT2LMHeadModel):
        position = torch.arange(input_ids.shape[1], device=input_ids.device)
        stream: Tensor = whole.transformer.wte(input_ids) + whole.transformer.wpe(position)
        return stream
    embedded: Tensor = whole.model.embed_tokens(input_ids)
    return embedded


def last_norm(model: PreTrainedModel) -> Any:
    """The norm between the last layer and lm_head."""
    whole: Any = model
    return whole.transformer.ln_f if isinstance(model, GPT2LMHeadModel) else whole.model.norm
