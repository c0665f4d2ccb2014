"""Single heads of a converted model, chosen by layer and number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings

Head = tuple[int, int]
"""Layer and query head."""


def by_layer(
    model: HardwareModel, heads: Iterable[Head] | None, *, digital: bool = False
) -> dict[int, list[int]]:
    """The heads of each layer, in order and once; None: all heads that have arrays.

    Raises
    ------
    ValueError
        A layer or head that is not there, a layer that is not of kind "hardware", or a head that
        is digital, unless those are asked for as well.
    """
    settings, count = Settings.of(model.config), model.config.num_attention_heads
    kinds = settings.kinds
    if heads is None:
        layers = [layer for layer, kind in enumerate(kinds) if kind == "hardware"]
        return {
            layer: [head for head in range(count) if head not in settings.digital_of(layer)]
            for layer in layers
        }
    chosen: dict[int, set[int]] = {}
    for layer, head in heads:
        if not 0 <= layer < len(kinds):
            raise ValueError(f"layer {layer} is not there: the model has 0..{len(kinds) - 1}")
        if kinds[layer] != "hardware":
            raise ValueError(f'layer {layer} is of kind "{kinds[layer]}", not "hardware"')
        if not 0 <= head < count:
            raise ValueError(f"head {head} is not there: layer {layer} has 0..{count - 1}")
        if not digital and head in settings.digital_of(layer):
            raise ValueError(f"head {layer}:{head} is digital: it has no arrays")
        chosen.setdefault(layer, set()).add(head)
    return {layer: sorted(chosen[layer]) for layer in sorted(chosen)}


def arrays_of(heads: Sequence[int], x: Tensor, query_heads: int) -> Tensor:
    """x (B, arrays, ...) of the arrays that the given query heads read, one for each head."""
    group = query_heads // x.shape[1]
    return x[:, [head // group for head in heads]]


@contextmanager
def exact_attention(model: HardwareModel, layers: Iterable[int]) -> Iterator[None]:
    """Attention of these layers in float64, where codes equal the contract's exactly."""
    scalers = [model.scalers(layer) for layer in layers]
    before = [of_layer.dtype for of_layer in scalers]
    try:
        for of_layer in scalers:
            of_layer.dtype = torch.float64
        yield
    finally:
        for of_layer, dtype in zip(scalers, before, strict=True):
            of_layer.dtype = dtype
