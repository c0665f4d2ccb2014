"""Which heads a started model would gain most from, were they not on the arrays.

Each head's output is taken as a + g (s - a), a from the arrays and s from softmax over the same
tokens. At g = 0, the gradient of the text's loss with respect to g says what the first step towards
softmax gains. One pass forward and one backward give it for all heads.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gaincell.ml.attention.forward import compute_type
from gaincell.ml.models.beside.recent import Recent
from gaincell.ml.models.chosen_heads import Head, by_layer
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.observe import observing
from gaincell.ml.models.scalers import Observation
from gaincell.ml.models.settings import Settings

PROBES = 4
"""Windows on which a start measures the gain."""
COPIES = 3
"""Times that a passage stands in a window that repeats itself."""


def needed_heads(model: HardwareModel, windows: Tensor, count: int) -> list[Head]:
    """The ``count`` heads that gain most in softmax on ``windows`` (W, T) of text, in order.

    Raises
    ------
    ValueError
        The model has fewer heads on the arrays, or no layer has recent tokens.
    """
    gains = gains_in_softmax(model, windows)
    if not 0 <= count <= len(gains):
        raise ValueError(f"{count} heads are asked for, but {len(gains)} are on the arrays")
    return sorted(sorted(gains, key=lambda each: (-gains[each], each))[:count])


def probes(windows: Tensor) -> Tensor:
    """Windows (W, T) on which heads show what they need; the second half of them repeat themselves.

    Ordinary text seldom asks for what the sharpest heads do: to find a passage again and copy on.
    """
    few = windows[:PROBES].clone()
    passage = -(-windows.shape[1] // COPIES)
    for window in few[len(few) // 2 :]:
        window.copy_(window[:passage].repeat(COPIES)[: len(window)])
    return few


def gains_in_softmax(model: HardwareModel, windows: Tensor) -> dict[Head, float]:
    """The loss, nats per token, that a head's first step towards softmax gains, per step."""
    settings = Settings.of(model.config)
    chosen = {
        layer: heads for layer, heads in by_layer(model, None).items() if layer in settings.maps
    }
    if not settings.recent or not chosen:
        raise ValueError("no layer has recent tokens: only the closed-form start makes such layers")
    gains = dict.fromkeys(((layer, head) for layer in chosen for head in chosen[layer]), 0.0)
    for window in windows:
        for layer, found in _of_window(model, window, list(chosen)).items():
            for head in chosen[layer]:
                gains[layer, head] += float(found[head]) / len(windows)
    return gains


def _of_window(model: Any, window: Tensor, layers: list[int]) -> dict[int, Tensor]:
    """Gains (H,) of each layer's heads."""
    visible = Settings.of(model.config).visible
    outputs: dict[int, Tensor] = {}
    missing: dict[int, Tensor] = {}

    def take(layer: int, seen: Observation) -> None:
        assert seen.scale is not None
        outputs[layer] = seen.output
        with torch.no_grad():
            beside = Recent.of_text(seen.keys, seen.values, visible)
            softmax = beside.softmax_alone(seen.queries, seen.scale, seen.reach)
            missing[layer] = softmax - seen.output

    ids = window[None].to(model.device)
    embedding = model.get_input_embeddings().weight
    learned = embedding.requires_grad
    try:
        embedding.requires_grad_(True)  # also where a model is frozen, outputs have a slope
        with torch.enable_grad(), observing(model, {each: partial(take, each) for each in layers}):
            logits = model(input_ids=ids, use_cache=False).logits
            loss = cross_entropy(logits[0, :-1].to(compute_type(logits)), ids[0, 1:])
        slopes = torch.autograd.grad(loss, [outputs[layer] for layer in layers])
    finally:
        embedding.requires_grad_(learned)
    return {
        layer: -(slope * missing[layer]).sum((0, 2, 3))
        for layer, slope in zip(layers, slopes, strict=True)
    }
