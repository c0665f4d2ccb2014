"""A layer's start put into the model: into its weights where possible, else into its scalers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gaincell.ml.models.anatomy import Projection
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.by_layer.layer_start import LayerStart, block_diagonal


@torch.no_grad()
def place(model: HardwareModel, layer: int, start: LayerStart) -> None:
    """Let a converted layer compute what ``start`` says.

    Where one projection gives queries, keys and values as attention takes them (GPT-2), the maps
    become part of it, and every scaler is x * 1 + 0. Otherwise the layer keeps maps of its own: so
    with the rotary positions of Llama, and with recent tokens, which need what the maps change.
    """
    family, own = model.family, model.family.layers_of(model)[layer]
    out, down = (Projection(own.get_submodule(path)) for path in (family.out, family.down))
    packed = None if family.packed is None else Projection(own.get_submodule(family.packed))
    settings = Settings.of(model.config)
    folded = packed is not None and not start.recent
    if not folded:
        settings = replace(
            settings,
            maps=tuple(sorted({*settings.maps, layer})),
            recent=start.recent,
            shared=start.arrays < len(start.q_gain),
        )
    settings = replace(settings, first=tuple(sorted({*settings.first, layer})))
    model.config.gaincell = settings.as_table()
    model.attach(settings)
    scalers = model.scalers(layer)
    if folded:
        assert packed is not None
        first_weight, first_bias = _fold(packed, start)
        for name in "qkvy":
            gain, offset = scalers.pair(name)
            gain.fill_(1.0)
            offset.fill_(0.0)
        y_gain, y_offset = start.y_gain.flatten(), start.y_offset.flatten()
        out.set(start.out_weight * y_gain, start.out_bias + start.out_weight @ y_offset)
    else:
        first_weight, first_bias = start.first_weight, start.first_bias
        for name in "qkvy":
            gain, offset = scalers.pair(name)
            gain.copy_(getattr(start, f"{name}_gain"))
            offset.copy_(getattr(start, f"{name}_offset"))
        assert scalers.out_bias is not None
        bias = start.out_bias if out.bias is None else start.out_bias - out.bias
        scalers.out_bias.copy_(bias)
        out.set(start.out_weight, None)
    for name in ("rest_gain", "rest_offset", "ones"):
        kept = getattr(scalers, name)
        if kept is not None:
            kept.copy_(getattr(start, name))
    assert scalers.first_weight is not None
    assert scalers.first_bias is not None
    scalers.first_weight.copy_(first_weight)
    scalers.first_bias.copy_(first_bias)
    down.set(start.down_weight, None if down.bias is None else start.down_bias)


def _fold(packed: Projection, start: LayerStart) -> tuple[Tensor, Tensor]:
    """Fold the maps into the projection of queries, keys and values.

    Returns weight and bias of the first token's output, from the values that the projection then
    gives.
    """
    assert packed.bias is not None
    weights, biases = [], []
    parts = (each.to(start.v_gain).chunk(3) for each in (packed.weight, packed.bias))
    for name, weight, bias in zip("qkv", *parts, strict=True):
        map_ = block_diagonal(getattr(start, f"{name}_gain"))
        weights.append(map_.t() @ weight)
        biases.append(bias @ map_ + getattr(start, f"{name}_offset").flatten())
    packed.set(torch.cat(weights), torch.cat(biases))
    back = torch.linalg.inv(block_diagonal(start.v_gain).double())
    first_weight = start.first_weight.double() @ back.t()
    first_bias = start.first_bias - first_weight @ start.v_offset.flatten().double()
    return first_weight, first_bias
