"""A loaded model with another attention for a while: the rows of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from gaincell.behavioral.faults import Faults
from gaincell.ml.evaluate.attentions import ATTENTIONS, ON_ARRAYS, RIVALS
from gaincell.ml.evaluate.linear_kernel import linear_kernel_attention
from gaincell.ml.evaluate.rivals import rival_attention
from gaincell.ml.models.faults import set_faults
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.layer import attend_layer, check_scores, padding_starts
from gaincell.ml.models.settings import Settings

OTHERS = ("linear-kernel", *RIVALS)
"""Attentions that are no kind of layers."""


@contextmanager
def attending(
    model: HardwareModel, attention: str, faults: Faults | None = None, seed: int = 0
) -> Iterator[None]:
    """Let the layers that are not stock compute another attention inside this context.

    Weights and scalers stay the model's. With ``faults``, each layer's arrays and the noise of
    their reads are drawn from ``seed`` on entry.

    Raises
    ------
    ValueError
        ``attention`` is none of ``ATTENTIONS``, or has no arrays that could have faults.
    """
    if attention not in ATTENTIONS:
        raise ValueError(f"attention is {attention!r}, but must be one of {', '.join(ATTENTIONS)}")
    if faults is not None and attention not in ON_ARRAYS:
        raise ValueError(f"{attention} attention has no arrays that could have faults")
    config, table = model.config, model.config.gaincell
    settings = Settings.of(config)
    on_arrays = [layer for layer, kind in enumerate(settings.kinds) if kind != "stock"]
    scalers = [model.scalers(layer) for layer in on_arrays]
    before = [(own.faults, own.noise) for own in scalers]
    implementation = config._attn_implementation
    try:
        if attention != "converted":
            # The others need all keys and values, as softmax does, from any cache.
            kind = "softmax" if attention in OTHERS else attention
            kinds = tuple("stock" if each == "stock" else kind for each in settings.kinds)
            config.gaincell = replace(settings, kinds=kinds).as_table()
        if attention in OTHERS:
            config._attn_implementation = f"gaincell_{attention}"
        if faults is not None:
            set_faults(model, faults, seed)
        yield
    finally:
        config.gaincell, config._attn_implementation = table, implementation
        for own, (arrays, noise) in zip(scalers, before, strict=True):
            own.faults, own.noise = arrays, noise


def attend_otherwise(
    attention: str,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """As ``layer.attend_layer``, but layers that are not stock compute ``attention``."""
    settings, layer = Settings.of(module.config), module.layer_idx
    assert isinstance(layer, int)
    if settings.kinds[layer] == "stock":
        return attend_layer(module, query, key, value, attention_mask, scaling, **more)
    check_scores(more)
    if attention == "linear-kernel":
        y = linear_kernel_attention(query, key, value, settings.head, attention_mask)
    else:
        tensors = query, key, value
        y = rival_attention(attention, *tensors, settings.head, attention_mask, scaling)
    return y.transpose(1, 2), None


for each in OTHERS:
    AttentionInterface.register(f"gaincell_{each}", partial(attend_otherwise, each))
    AttentionMaskInterface.register(f"gaincell_{each}", padding_starts)
