"""Records the codes of single heads while a converted model reads a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gaincell.ml.attention.quantisers import codes_of
from gaincell.ml.models.chosen_heads import arrays_of, by_layer, exact_attention
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.observe import observing
from gaincell.ml.models.scalers import Observation
from gaincell.ml.models.settings import Settings


@dataclass(frozen=True)
class HeadCodes:
    """Codes of one query head over one sequence, as ``gaincell cosim --input`` takes them.

    q : (T, D) uint8
    k, v : (T, D) uint8, of the key and value head that the query head reads
    y : (T, D) float64, whole numbers, from which the model continued
    """

    q: NDArray[np.uint8]
    k: NDArray[np.uint8]
    v: NDArray[np.uint8]
    y: NDArray[np.float64]


@torch.no_grad()
def record_codes(
    model: HardwareModel, input_ids: Tensor, heads: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], HeadCodes]:
    """Codes of some (layer, query head) while the model reads ``input_ids`` (T,).

    Attention of these layers is computed in float64, where codes equal the contract's exactly. If
    a layer keeps recent tokens beside its arrays, they get fewer than T tokens.

    Raises
    ------
    ValueError
        ``input_ids`` is not (T,); a layer or head that is not there, or a layer that is not of
        kind "hardware".
    """
    if input_ids.dim() != 1 or not len(input_ids):
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}, but must be (T,), T >= 1")
    head_config, chosen = Settings.of(model.config).head, by_layer(model, heads)
    codes: dict[tuple[int, int], HeadCodes] = {}

    def take(layer: int, observation: Observation) -> None:
        assert observation.q is not None
        assert observation.k is not None
        assert observation.v is not None
        assert observation.y is not None
        recent = model.scalers(layer).recent
        begin = recent + 1 if recent else 0
        for head in chosen[layer]:
            q, k, v = (
                arrays_of([head], x, observation.q.shape[1])[:, :, begin:]
                for x in (observation.q, observation.k, observation.v)
            )
            codes[layer, head] = HeadCodes(
                _integers(q[0, 0], head_config.query_max),
                _integers(k[0, 0], head_config.key_max),
                _integers(v[0, 0], head_config.value_max),
                observation.y[0, head, begin:].double().cpu().numpy(),
            )

    observers: dict[int, Callable[[Observation], None]]
    observers = {layer: partial(take, layer) for layer in chosen}
    with exact_attention(model, chosen), observing(model, observers):
        model(input_ids[None].to(model.device), use_cache=False)
    return codes


def _integers(units: Tensor, largest: int) -> NDArray[np.uint8]:
    return codes_of(units.double(), largest).to(torch.uint8).cpu().numpy()
