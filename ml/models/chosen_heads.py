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


def by_layer(model: HardwareModel, heads: Iterable[Head] | None) -> dict[int, list[int]]:
    """The heads of each layer, in order and once; None: all heads of all layers on hardware.

    Raises
    ------
    ValueError
        A layer or head that is not there, or a layer that is not of kind "hardware".
    """
    kinds, count = Settings.of(model.config).kinds, model.config.num_attention_heads
    if heads is None:
        layers = [layer for layer, kind in enumerate(kinds) if kind == "hardware"]
        return {layer: list(range(count)) for layer in layers}
    chosen: dict[int, set[int]] = {}
    for layer, head in heads:
        if not 0 <= layer < len(kinds):
            raise ValueError(f"layer {layer} is not there: the model has 0..{len(kinds) - 1}")
        if kinds[layer] != "hardware":
            raise ValueError(f'layer {layer} is of kind "{kinds[layer]}", not "hardware"')
        if not 0 <= head < count:
            raise ValueError(f"head {head} is not there: layer {layer} has 0..{count - 1}")
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
