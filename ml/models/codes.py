"""Codes of single heads while a converted model reads a text, for ``gaincell cosim --input``."""

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
    """One query head over one sequence; float64 computed what the model went on with.

    q : (T, D) uint8; k, v : (T, D) uint8, of the key and value head it reads; y : (T, D) float64,
    whole numbers
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

    Attention of these layers is computed in float64, where codes equal the contract's exactly.

    Raises
    ------
    ValueError
        ``input_ids`` is not (T,); a layer or head that is not there, or a layer that is not of
        kind "hardware".
    """
    if input_ids.dim() != 1 or not len(input_ids):
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}, but must be (T,), T >= 1")
    head_config, wanted = Settings.of(model.config).head, by_layer(model, heads)
    found: dict[tuple[int, int], HeadCodes] = {}

    def take(layer: int, seen: Observation) -> None:
        assert seen.q is not None
        assert seen.k is not None
        assert seen.v is not None
        assert seen.y is not None
        for head in wanted[layer]:
            q, k, v = (arrays_of([head], x, seen.q.shape[1]) for x in (seen.q, seen.k, seen.v))
            found[layer, head] = HeadCodes(
                _integers(q[0, 0], head_config.query_max),
                _integers(k[0, 0], head_config.key_max),
                _integers(v[0, 0], head_config.value_max),
                seen.y[0, head].double().cpu().numpy(),
            )

    looking: dict[int, Callable[[Observation], None]]
    looking = {layer: partial(take, layer) for layer in wanted}
    with exact_attention(model, wanted), observing(model, looking):
        model(input_ids[None].to(model.device), use_cache=False)
    return found


def _integers(units: Tensor, largest: int) -> NDArray[np.uint8]:
    return codes_of(units.double(), largest).to(torch.uint8).cpu().numpy()
