"""How a language model is taken apart: the record of its family, its layers, and their check."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
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
        """Replace the module's weight, and its bias unless ``bias`` is None."""
        self.module.weight.copy_(weight.t() if self._transposed else weight)  # type: ignore[operator]
        if bias is not None:
            self.module.bias.copy_(bias)  # type: ignore[operator]

    def __call__(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


class Block(ABC):
    """One layer without caches and masks; streams are (W, T, C), all starting at position 0.

    Attributes
    ----------
    out, down : the last projections of attention and of the MLP
    packed : one projection (3 * H * D, C) with a bias that gives queries, keys and values as
        attention takes them, so that a head's maps can be folded into it; None: something between
        the projections and attention, such as rotary positions, keeps the maps out of the weights
    """

    out: Projection
    down: Projection
    packed: Projection | None = None

    @abstractmethod
    def heads(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q (W, H, T, D), k and v (W, H_kv, T, D) as attention takes them."""

    @abstractmethod
    def hidden(self, stream: Tensor) -> Tensor:
        """Input of ``down``, (W, T, I), from the stream after attention."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What conversion and the closed-form start know about one family of language models.

    stock, hardware : the class of transformers, and its subclass with attention on the arrays
    layers : a model's layers, in order
    attention : the attention module of a layer
    block : (model, layer, D), a layer taken apart
    first_stream : (model, token ids (W, T)), the residual stream (W, T, C) before layer 0
    last_norm : the norm between the last layer and lm_head
    dropout : where attention's dropout is set: in the model's config, in the attention module
    modules : every module of the model by its path, with * for the number of a layer, and its class
    attributes : every public attribute of an attention module that is no module or tensor

    ``check_anatomy`` refuses a model that has more than ``modules`` and ``attributes`` name: the
    functions of the record would leave that out of the computation.
    """

    stock: type[Any]
    hardware: type[Any]
    layers: Callable[[Any], Any]
    attention: Callable[[Any], Any]
    block: Callable[[Any, Any, int], Block]
    first_stream: Callable[[Any, Tensor], Tensor]
    last_norm: Callable[[Any], Any]
    dropout: tuple[str, str]
    modules: Mapping[str, type[nn.Module]]
    attributes: frozenset[str]

    def attention_layers(self, model: Any) -> list[nn.Module]:
        """The attention module of each layer, in order."""
        return [self.attention(layer) for layer in self.layers(model)]

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
    """Refuse a model with a part that its family's record does not name, or without one it names.

    Raises
    ------
    ValueError
        A module, tensor or attribute more or less than in the record, a module of another class, or
        attention that is not causal.
    """
    for path, module in model.named_modules():
        place = re.sub(r"\.\d+(?=\.|$)", ".*", path)
        if not path or f".{SUBMODULE}" in path:
            continue
        expected = family.modules.get(place)
        if expected is None:
            raise _unknown(f"a module {path} ({type(module).__name__})", family)
        if not isinstance(module, expected):
            raise _unknown(f"{path} of class {type(module).__name__}", family)
        tensors = [*module._parameters, *module._buffers]
        if tensors and next(module.children(), None) is not None:
            raise _unknown(f"a tensor {path}.{tensors[0]}", family)
    paths = {re.sub(r"\.\d+(?=\.|$)", ".*", path) for path, _ in model.named_modules()}
    missing = sorted(set(family.modules) - paths)
    if missing:
        raise _unknown(f"no module {missing[0]}", family)
    for layer, module in enumerate(family.attention_layers(model)):
        public = {name: value for name, value in vars(module).items() if name[0] != "_"}
        more = sorted(
            name
            for name in public.keys() - family.attributes - {"training"}
            # Switched off: an attribute of a newer release of transformers need not stop a user.
            if public[name] is not None
        )
        if more:
            value = public[more[0]]
            shown = f" = {value!r}" if isinstance(value, (bool, int, float, str)) else ""
            raise _unknown(f"attention with {more[0]}{shown} in layer {layer}", family)
        less = sorted(family.attributes - public.keys())
        if less:
            raise _unknown(f"attention without {less[0]} in layer {layer}", family)
        if not public["is_causal"]:
            raise _unknown(f"attention that is not causal in layer {layer}", family)


def _unknown(part: str, family: Family) -> ValueError:
    return ValueError(
        f"the model has {part}, which the record of {family.stock.__name__} does not know: "
        "conversion would leave it out; see gaincell.ml.models.families"
    )
