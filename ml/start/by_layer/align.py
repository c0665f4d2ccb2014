"""Alignment: steps of Adam on one layer's maps, until its attention gives what softmax gives.

The maps of the score fit bring each pulse near softmax's weight. What counts is attention's output,
and its gradient through the arrays is known. A scale and an offset for each channel of the read-out
lead to the layer's original projection; the projection is fitted anew afterwards.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.start.by_layer.blocks import Heads
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions

TRAINED = ("q_gain", "q_offset", "k_gain", "k_offset", "v_gain", "v_offset")
TOKENS_A_STEP = 1024
BETAS = (0.9, 0.99)
WINDOWS_TO_SCALE = 8
"""Windows for the first scale and offset of each channel, at most."""


def align(
    start: LayerStart,
    heads: Heads,
    projection: Tensor,
    bias: Tensor | None,
    weight: Tensor,
    config: HeadConfig,
    options: StartOptions,
    generator: torch.Generator,
) -> LayerStart:
    """The layer after ``options.align_tokens`` tokens.

    Parameters
    ----------
    heads : what attention is given, of all windows that may be drawn
    projection, bias : (C, H * D), (C,) of the original model, behind attention
    weight : (W, T), weight of each token's error

    A rate is a part of its tensor's own root mean square; all fall along a cosine.
    """
    trained = {name: getattr(start, name).clone().requires_grad_() for name in TRAINED}
    scale, offset = (part.requires_grad_() for part in _scaled(start, heads, config))
    tensors = [*trained.values(), scale, offset]
    sizes = [float(each.detach().square().mean().sqrt()) for each in tensors]
    sizes[-1] = max(sizes[-1], sizes[-2])  # offsets may begin at 0, unlike the codes they follow
    groups = [{"params": [tensor]} for tensor in tensors]
    adam = torch.optim.Adam(groups, lr=0.0, betas=BETAS)
    now = replace(start, **trained)
    drawn = max(1, round(TOKENS_A_STEP / heads.q.shape[2]))
    steps = options.align_tokens // (drawn * heads.q.shape[2])
    for step in range(steps):
        fall = 0.5 + 0.5 * math.cos(math.pi * step / steps)
        for group, size in zip(adam.param_groups, sizes, strict=True):
            group["lr"] = options.align_rate * size * fall
        chosen = torch.randint(len(heads.q), (drawn,), generator=generator)
        few = heads[chosen]
        with torch.enable_grad():
            y = joined(now.codes(few.q, few.k, few.v, config, backward="true"))
            wanted = joined(few.softmax())
            missing = (y * scale + offset - wanted) @ projection.t()
            target = wanted @ projection.t() if bias is None else wanted @ projection.t() + bias
            error = missing.square().sum(2) * weight[chosen]
            whole = target.square().sum(2) * weight[chosen]
            torch.autograd.backward(error.sum() / whole.sum())
        adam.step()
        adam.zero_grad()
    learned = {name: tensor.detach() for name, tensor in trained.items()}
    return replace(
        start,
        **learned,
        out_weight=projection * scale.detach(),
        out_bias=projection @ offset.detach() + (0.0 if bias is None else bias),
    )


def _scaled(start: LayerStart, heads: Heads, config: HeadConfig) -> tuple[Tensor, Tensor]:
    """Scale and offset (H * D,) by which each channel of y comes nearest to softmax's output."""
    few = heads[slice(0, WINDOWS_TO_SCALE)]
    y = joined(start.codes(few.q, few.k, few.v, config))[:, 1:].flatten(0, 1)
    wanted = joined(few.softmax())[:, 1:].flatten(0, 1)
    mean_y, mean = y.mean(0), wanted.mean(0)
    y, wanted = y - mean_y, wanted - mean
    scale = (y * wanted).mean(0) / y.square().mean(0).clamp(min=1e-6)
    return scale, mean - scale * mean_y
