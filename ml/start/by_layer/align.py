"""Alignment: steps of Adam on one layer's maps, until its attention gives what softmax gives.

The maps of the score fit bring each pulse near softmax's weight. What counts is attention's output,
and its gradient through the arrays is known. It leads through the layer's original projection,
which is fitted anew afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.start.by_layer.blocks import Heads
from gaincell.ml.start.by_layer.layer_start import LayerStart, joined
from gaincell.ml.start.by_layer.options import StartOptions

TRAINED = tuple(f"{name}_{part}" for name in "qkvy" for part in ("gain", "offset"))
TRAINED_BESIDE = ("rest_gain", "rest_offset")
BETAS = (0.9, 0.99)


def align(
    start: LayerStart,
    heads: Heads,
    weight: Tensor,
    config: HeadConfig,
    options: StartOptions,
    generator: torch.Generator,
    progress: Callable[[float], None] | None = None,
) -> LayerStart:
    """The layer after as many tokens as ``options`` say; itself if they are fewer than a step's.

    Parameters
    ----------
    heads : what attention is given, of all windows that may be drawn
    weight : (W, T), weight of each token's error
    progress : called after each step with the part of all steps that is done

    A rate is a part of its tensor's own root mean square; all fall along a cosine.
    """
    names = TRAINED + (TRAINED_BESIDE if start.recent else ())
    trained = {name: getattr(start, name).clone().requires_grad_() for name in names}
    sizes = {name: float(x.detach().square().mean().sqrt()) for name, x in trained.items()}
    sizes["y_offset"] = float(start.y_gain.square().mean().sqrt())  # offsets may begin at 0
    sizes["rest_offset"] = max(sizes.get("rest_offset", 0.0), 1.0)  # of a logarithm
    adam = torch.optim.Adam([{"params": [x]} for x in trained.values()], lr=0.0, betas=BETAS)
    now = replace(start, **trained)
    drawn = max(1, round(options.align_batch / heads.q.shape[2]))
    windows, _, tokens, _ = heads.q.shape
    steps = options.aligned(windows * tokens) // (drawn * tokens)
    if not steps:
        return start
    for step in range(steps):
        fall = 0.5 + 0.5 * math.cos(math.pi * step / steps)
        for group, name in zip(adam.param_groups, names, strict=True):
            group["lr"] = options.align_rate * sizes[name] * fall
        chosen = torch.randint(len(heads.q), (drawn,), generator=generator, device="cpu")
        few = heads[chosen]
        with torch.enable_grad():
            outputs = now.outputs(few, now.codes(few, config, backward="true"))
            wanted = joined(few.softmax())
            missing = ((outputs - wanted) @ start.out_weight.t()).square().sum(2) * weight[chosen]
            whole = (wanted @ start.out_weight.t()).square().sum(2) * weight[chosen]
            torch.autograd.backward(missing.sum() / whole.sum())
        adam.step()
        adam.zero_grad()
        if progress is not None:
            progress((step + 1) / steps)
    return replace(start, **{name: tensor.detach() for name, tensor in trained.items()})
