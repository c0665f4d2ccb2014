"""The range start: scalers from mean and spread of a model's own queries, keys and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from gaincell.ml.attention import attention
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.observe import observing
from gaincell.ml.models.scalers import HeadScalers, Observation
from gaincell.ml.models.settings import Settings


@torch.no_grad()
def fit_ranges(model: HardwareModel, input_ids: Tensor, sigmas: float = 1.5) -> None:
    """Set all scalers from one pass with softmax attention over ``input_ids`` (B, T).

    A head's q, k and v fill their range with mean +- ``sigmas`` standard deviations; its output
    scale is the least-squares fit of the arrays' output to softmax attention's.

    Raises
    ------
    ValueError
        ``input_ids`` is not (B, T), ``sigmas`` is not above 0, or a layer has
        the closed-form start's weights.
    """
    if input_ids.dim() != 2:
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}, but must be (B, T)")
    if not sigmas > 0:
        raise ValueError(f"sigmas is {sigmas}, but must be above 0")
    settings = Settings.of(model.config)
    chosen = [layer for layer, kind in enumerate(settings.kinds) if kind in ("hardware", "linear")]
    if settings.started:
        raise ValueError(
            f"layer {settings.started[0]} has the closed-form start's weights: convert the "
            "original model"
        )

    def fit(layer: int) -> Callable[[Observation], None]:
        scalers, kind = model.scalers(layer), settings.kinds[layer]
        return lambda observation: _fit(scalers, observation, settings, kind, sigmas)

    soft = tuple("softmax" if kind != "stock" else kind for kind in settings.kinds)
    with (
        observing(model, {layer: fit(layer) for layer in chosen}),
        _computing(model, replace(settings, kinds=soft)),
    ):
        model(input_ids.to(model.device), use_cache=False)


@contextmanager
def _computing(model: HardwareModel, settings: Settings) -> Iterator[None]:
    """Let the layers compute the kinds of ``settings`` inside this context."""
    before, training = model.config.gaincell, model.training
    model.config.gaincell = settings.as_table()
    model.eval()
    try:
        yield
    finally:
        model.config.gaincell = before
        model.train(training)


def _fit(
    scalers: HeadScalers, observation: Observation, settings: Settings, kind: str, sigmas: float
) -> None:
    """Scalers of one layer from its queries, keys, values and softmax output."""
    values = {"q": observation.queries, "k": observation.keys, "v": observation.values}
    for name, x in values.items():
        rows = x.transpose(0, 1).flatten(1).double()  # (heads, B * T * D)
        gain = 0.5 / (sigmas * rows.std(1).clamp(min=1e-9))
        getattr(scalers, f"{name}_gain").copy_(gain)
        getattr(scalers, f"{name}_offset").copy_(0.5 - gain * rows.mean(1))
    q, k, v = (scalers.units(x, name) for name, x in values.items())
    y = attention(q, k, v, settings.head, kind=kind)
    read, target = (x.transpose(0, 1).flatten(1).double() for x in (y, observation.output))
    centred = read - read.mean(1, keepdim=True)
    variance = centred.square().sum(1)
    gain = (centred * target).sum(1) / variance.clamp(min=1e-9)
    scalers.y_gain.copy_(gain)
    scalers.y_offset.copy_(target.mean(1) - gain * read.mean(1))
