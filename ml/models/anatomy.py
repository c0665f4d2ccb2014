"""How a language model is taken apart: its family's record, its projections, and their check."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from gaincell.ml.models.scalers import SUBMODULE


class Projection:
    """A linear or Conv1D module as y = weight @ x + bias; weight (out, in), bias (out,) or None."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._transposed = isinstance(module, Conv1D)

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.module.weight.detach()  # type: ignore[operator]
        return weight.t() if self._transposed else weight

    @property
    def bias(self) -> Tensor | None:
        bias: Tensor | None = self.module.bias  # type: ignore[assignment]
        return None if bias is None else bias.detach()

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor | None) -> None:
        """Replace the module's weight, and its bias unless ``bias`` is None; its type stays."""
        self.module.weight.copy_(weight.t() if self._transposed else weight)  # type: ignore[operator]
        if bias is not None:
            self.module.bias.copy_(bias)  # type: ignore[operator]

    def __call__(self, x: Tensor) -> Tensor:
        """In the type of x."""
        bias = None if self.bias is None else self.bias.to(x)
        return nn.functional.linear(x, self.weight.to(x), bias)


@dataclass(frozen=True, kw_only=True)
class Family:
    """What conversion and the starts know about one family of language models.

    stock, hardware : the class of transformers, and its subclass with attention on the arrays
    layers, last_norm : paths in the model of its layers, and of the norm before lm_head
    attention, out, down : paths in a layer of its attention, and of the last projections of
        attention and of the MLP
    packed : path in a layer of one projection (3 * H * D, C) with a bias that gives queries, keys
        and values as attention takes them, so that a head's maps can be folded into it; None:
        something between the projections and attention, such as rotary positions, forbids that
    residual : attribute of a layer by which the outputs of ``out`` and ``down`` are multiplied
        before they are added to the stream; None: they are added as they are
    dropout : where attention's dropout is set: in the model's config, in the attention module

    All else is computed by the model's own modules, with another attention function.
    """

    stock: type[Any]
    hardware: type[Any]
    layers: str = "model.layers"
    last_norm: str = "model.norm"
    attention: str = "self_attn"
    out: str = "self_attn.o_proj"
    down: str = "mlp.down_proj"
    packed: str | None = None
    residual: str | None = None
    dropout: tuple[str, str] = ("attention_dropout", "attention_dropout")

    def layers_of(self, model: Any) -> list[Any]:
        """A model's layers, in order."""
        return list(model.get_submodule(self.layers))

    def attention_layers(self, model: Any) -> list[nn.Module]:
        """The attention module of each layer, in order."""
        return [layer.get_submodule(self.attention) for layer in self.layers_of(model)]

    def last_norm_of(self, model: Any) -> nn.Module:
        norm: nn.Module = model.get_submodule(self.last_norm)
        return norm

    def stop_dropout(self, model: Any) -> None:
        """Set dropout of attention to 0: attention weights are pulses, and none is dropped."""
        in_config, in_module = self.dropout
        setattr(model.config, in_config, 0.0)
        for module in self.attention_layers(model):
            dropout = getattr(module, in_module)
            if isinstance(dropout, nn.Dropout):
                dropout.p = 0.0
            else:
                setattr(module, in_module, 0.0)


def check_anatomy(model: Any, family: Family) -> None:
    """Refuse a model that is not as its stock class builds it from its config.

    Raises
    ------
    ValueError
        A module or tensor more or less than the stock class has, a module of another class, another
        attribute of attention, cross-attention, or attention that is not causal.
    """
    config = deepcopy(model.config)
    config._attn_implementation = "eager"
    with torch.device("meta"):
        stock = family.stock(config)
    expected = dict(stock.named_modules())
    for path, module in model.named_modules():
        if f".{SUBMODULE}" in path:
            continue
        like = expected.get(path)
        if like is None:
            raise _unknown(f"a module {path} ({type(module).__name__})", family)
        if not isinstance(module, type(like)):
            raise _unknown(f"{path} of class {type(module).__name__}", family)
        for name in _tensors(module) - _tensors(like):
            raise _unknown(f"a tensor {path}.{name}", family)
    for path in expected.keys() - dict(model.named_modules()).keys():
        raise _unknown(f"no module {path}", family)
    layers = zip(family.attention_layers(model), family.attention_layers(stock), strict=True)
    for layer, (module, like) in enumerate(layers):
        public = {name: value for name, value in vars(module).items() if name[0] != "_"}
        # Switched off: an attribute that is None need not stop a user.
        given = {name for name, value in public.items() if value is not None}
        for name in sorted(given - vars(like).keys()):
            value = public[name]
            shown = f" = {value!r}" if isinstance(value, (bool, int, float, str)) else ""
            raise _unknown(f"attention with {name}{shown} in layer {layer}", family)
        for name in sorted(name for name in vars(like).keys() - public.keys() if name[0] != "_"):
            raise _unknown(f"attention without {name} in layer {layer}", family)
        if not public["is_causal"]:
            raise _unknown(f"attention that is not causal in layer {layer}", family)
    if getattr(config, "add_cross_attention", False):
        raise ValueError(
            "the model has cross-attention, which reads another sequence than its arrays hold"
        )


def _tensors(module: nn.Module) -> set[str]:
    own = {**module._parameters, **module._buffers}
    return {name for name, tensor in own.items() if tensor is not None}


def _unknown(part: str, family: Family) -> ValueError:
    return ValueError(
        f"the model has {part}, unlike the {family.stock.__name__} of its config: nothing is known "
        "of what that computes"
    )
