"""A layer's start put into the model: into its weights where it can be, else into its scalers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from gaincell.ml.models import HardwareModel
from gaincell.ml.settings import Settings
from gaincell.ml.start.blocks import Projection, blocks_of
from gaincell.ml.start.found import LayerStart, block_diagonal


@torch.no_grad()
def place(model: HardwareModel, layer: int, start: LayerStart) -> None:
    """Let a converted layer compute what ``start`` says.

    In GPT-2 the maps become part of c_attn, and every scaler is x * 1 + 0. Rotary positions turn
    queries and keys after the projections, so that Llama models keep maps of their own.
    """
    folded = isinstance(model, GPT2LMHeadModel)
    settings = Settings.of(model.config)
    if not folded:
        settings = replace(settings, maps=tuple(sorted({*settings.maps, layer})))
    settings = replace(settings, first=tuple(sorted({*settings.first, layer})))
    model.config.gaincell = settings.as_table()
    model.attach(settings)
    scalers = model.scalers(layer)
    block = blocks_of(model, settings.head.head_dim)[layer]
    if folded:
        first_weight, first_bias = _fold(model.attention_layers()[layer], start)
        for name in "qkvy":
            gain, offset = scalers.pair(name)
            gain.fill_(1.0)
            offset.fill_(0.0)
        block.out.set(start.out_weight, start.out_bias)
    else:
        first_weight, first_bias = start.first_weight, start.first_bias
        for name in "qkv":
            for each, value in zip(
                scalers.pair(name),
                (getattr(start, f"{name}_gain"), getattr(start, f"{name}_offset")),
                strict=True,
            ):
                each.copy_(value)
        _set_output(scalers.pair("y"), block.out, start)
    assert scalers.first_weight is not None
    assert scalers.first_bias is not None
    scalers.first_weight.copy_(first_weight)
    scalers.first_bias.copy_(first_bias)
    block.down.set(start.down_weight, None if block.down.bias is None else start.down_bias)


def _set_output(
    scaler: tuple[torch.nn.Parameter, torch.nn.Parameter], out: Projection, start: LayerStart
) -> None:
    """Weight and bias behind the read-out; without a bias in the model the offset of y gives it.

    y comes out of the scaler with the size it had in the original model's weights, so that training
    at one rate moves both alike.
    """
    gain, offset = scaler
    scale = float(start.out_weight.norm() / out.weight.norm())
    gain.fill_(scale)
    weight = start.out_weight / scale
    if out.bias is not None:
        offset.fill_(0.0)
        out.set(weight, start.out_bias)
        return
    needed = torch.linalg.lstsq(weight.double(), start.out_bias.double()[:, None]).solution
    offset.copy_(needed.view(offset.shape))
    out.set(weight, None)


def _fold(attention: torch.nn.Module, start: LayerStart) -> tuple[Tensor, Tensor]:
    """Fold the maps into c_attn; the first token's weight and bias for the values it then gives."""
    packed = Projection(attention.c_attn)  # type: ignore[arg-type]
    assert packed.bias is not None
    weights, biases = [], []
    for name, weight, bias in zip("qkv", packed.weight.chunk(3), packed.bias.chunk(3), strict=True):
        map_ = block_diagonal(getattr(start, f"{name}_gain"))
        weights.append(map_.t() @ weight)
        biases.append(bias @ map_ + getattr(start, f"{name}_offset").flatten())
    packed.set(torch.cat(weights), torch.cat(biases))
    back = torch.linalg.inv(block_diagonal(start.v_gain).double())
    first_weight = start.first_weight.double() @ back.t()
    first_bias = start.first_bias - first_weight @ start.v_offset.flatten().double()
    return first_weight.float(), first_bias.float()
