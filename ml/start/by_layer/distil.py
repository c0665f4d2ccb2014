"""Layer-wise distillation: steps of Adam on one layer's attention output, with true gradients."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions

TRAINED = (
    "q_gain",
    "q_offset",
    "k_gain",
    "k_offset",
    "v_gain",
    "v_offset",
    "out_weight",
    "out_bias",
)


def distil(
    start: LayerStart,
    heads: tuple[Tensor, Tensor, Tensor],
    target: Tensor,
    weight: Tensor,
    config: HeadConfig,
    options: StartOptions,
    generator: torch.Generator,
) -> LayerStart:
    """The layer after ``options.distil_steps`` steps, one window of the text each.

    Parameters
    ----------
    heads : q (W, H, T, D), k and v (W, H_kv, T, D)
    target : (W, T, C), attention's contribution to the stream in the original model
    weight : (W, T), weight of each token's error

    Learning rates are in units of each tensor's own spread, and fall along a cosine.
    """
    trained = {name: getattr(start, name).clone().requires_grad_() for name in TRAINED}
    rates = {name: options.distil_rate * _unit(name, tensor) for name, tensor in trained.items()}
    groups = [{"params": [tensor], "lr": rates[name]} for name, tensor in trained.items()]
    adam = torch.optim.Adam(groups, betas=(0.9, 0.95))
    q, k, v = heads
    now = replace(start, **trained)
    for step in range(options.distil_steps):
        fall = 0.02 + 0.49 * (1 + math.cos(math.pi * step / options.distil_steps))
        for group, rate in zip(adam.param_groups, rates.values(), strict=True):
            group["lr"] = rate * fall
        one = torch.randint(len(q), (1,), generator=generator)
        with torch.enable_grad():
            y = now.codes(q[one], k[one], v[one], config, backward="true")
            output = joined(y) @ now.out_weight.t() + now.out_bias
            error = (output - target[one]).square().sum(2) * weight[one]
            size = target[one].square().sum(2) * weight[one]
            torch.autograd.backward(error.sum() / size.sum())
        adam.step()
        adam.zero_grad()
    return replace(start, **{name: tensor.detach() for name, tensor in trained.items()})


def _unit(name: str, x: Tensor) -> float:
    """Step of a tensor at a learning rate of 1: its spread, or a part of the codes' range."""
    if name == "v_gain":
        return 0.3 * float(x.detach().diagonal(dim1=1, dim2=2).mean())
    return 0.1 if name in ("q_offset", "k_offset", "v_offset") else float(x.detach().std())
