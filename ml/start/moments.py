"""Mean and standard deviation of each scaler's result, per head: adaptation matches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.observe import observing
from gaincell.ml.models.scalers import Observation
from gaincell.ml.models.settings import Settings

ARRAYS = ("linear", "hardware")
"""Kinds of layers whose scalers are in use."""


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of one scaler's result, over all tokens and dimensions of a head.

    mean, std : (heads,) float64; heads is H for q and y, H_kv for k and v
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Moments:
        """The moments of x (B, heads, T, D)."""
        rows = x.transpose(0, 1).flatten(1).double()
        return cls(rows.mean(1), rows.std(1, correction=0))

    def distance(self, other: Moments) -> Tensor:
        """The larger of the differences in mean and in std, in units of this std; (heads,)."""
        scale = self.std.clamp(min=torch.finfo(torch.float64).tiny)
        return torch.maximum((self.mean - other.mean).abs(), (self.std - other.std).abs()) / scale


ModelMoments = dict[tuple[int, str], Moments]
"""By (layer, scaler); a scaler is "q", "k", "v" or "y"."""


@torch.no_grad()
def moments_of(model: HardwareModel, input_ids: Tensor) -> ModelMoments:
    """Moments of every scaler in use while the model reads ``input_ids`` (B, T).

    q, k and v are in codes over the largest code, before clipping; y is behind its scaler.

    Raises
    ------
    ValueError
        ``input_ids`` is not (B, T), no layer is on arrays, or a value is not finite.
    """
    if input_ids.dim() != 2:
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}, but must be (B, T)")
    kinds = Settings.of(model.config).kinds
    layers = [layer for layer, kind in enumerate(kinds) if kind in ARRAYS]
    if not layers:
        raise ValueError("no layer is of kind linear or hardware: convert the model first")
    moments: ModelMoments = {}

    def observer(layer: int) -> Callable[[Observation], None]:
        def take(inside: Observation) -> None:
            results = {"q": inside.q, "k": inside.k, "v": inside.v, "y": inside.output}
            for name, x in results.items():
                assert x is not None
                own = Moments.of(x)
                if not bool((own.mean + own.std).isfinite().all()):
                    raise ValueError(f"layer {layer}: scaler {name} gives values not finite")
                moments[layer, name] = own

        return take

    training = model.training
    model.eval()
    try:
        with observing(model, {layer: observer(layer) for layer in layers}):
            model(input_ids.to(model.device), use_cache=False)
    finally:
        model.train(training)
    return moments
