"""The attention and mask functions that Hugging Face models call by the name "gaincell"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, causal_mask_function

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.softmax import Reach
from gaincell.ml.models.beside.on_arrays import attend_arrays, attend_beside
from gaincell.ml.models.cache import LayerCache
from gaincell.ml.models.in_graph import softmax_in_graph
from gaincell.ml.models.positions import starts_of_rows
from gaincell.ml.models.scalers import SUBMODULE, HeadScalers, Observation

NAME = "gaincell"


def attend_layer(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    hardware_cache: LayerCache | None = None,
    sliding_window: int | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention output (B, T, H, D) of one layer.

    Parameters
    ----------
    module : the attention layer, with ``layer_idx``, ``config`` and, if converted, scalers
    query : (B, H, T, D); key, value : (B, H_kv, S, D)
    attention_mask : the result of ``padding_starts``
    hardware_cache : the layer's arrays with all earlier tokens; key and value belong to new ones
    sliding_window : tokens that a query of the stock model sees; the arrays have their own window

    Raises
    ------
    ValueError
        Scalers are missing, dropout is not 0, scores are more than scaled products, or arrays with
        faults would decode from a cache.
    """
    layer = module.layer_idx
    assert isinstance(layer, int)
    config: Any = module.config
    kind: str = config.gaincell["kinds"][layer]
    check_scores(more)
    if dropout:
        raise ValueError(
            f"dropout of attention is {dropout}, but the arrays have none: set it to 0 in the "
            "model's config"
        )
    if kind == "stock":
        reach = None if sliding_window is None else Reach(sliding_window)
        output = _softmax(query, key, value, reach, attention_mask, scaling)
        return output.transpose(1, 2), None
    scalers = _scalers_of(module, kind)
    if kind == "softmax":
        output = _softmax(query, key, value, scalers.head, attention_mask, scaling)
        observation = Observation(query, key, value, output)
    else:
        attend = attend_beside if scalers.recent else attend_arrays
        softmax = scaling, sliding_window
        observation = scalers(
            attend, kind, query, key, value, attention_mask, hardware_cache, softmax
        )
    if scalers.observer is not None:
        scalers.observer(observation)
    return observation.output.transpose(1, 2), None


def padding_starts(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Any] = causal_mask_function,
    attention_mask: Tensor | None = None,
    local_size: int | None = None,
    allow_is_causal_skip: bool = True,
    **_: Any,
) -> Tensor | None:
    """First real token of each row, (B,); None if no row is padded on the left.

    Raises
    ------
    ValueError
        Attention other than causal attention of one sequence per row, or a cache with empty places.
    """
    # A sliding window of the model's own comes as an argument of attention, too.
    sliding = local_size is not None and allow_is_causal_skip
    # While a graph is made, transformers takes all positions for those of several sequences;
    # ``positions`` has checked those that a caller gave.
    traced = torch.compiler.is_compiling()
    if mask_function is not causal_mask_function and not sliding and not traced:
        raise ValueError(
            "the mask is more than causal: several sequences in one row cannot run on the arrays"
        )
    if isinstance(q_offset, Tensor) or kv_offset or q_offset + q_length != kv_length:
        raise ValueError(
            "a cache of fixed or sliding size was given: use the default one, or HardwareCache"
        )
    return None if attention_mask is None else starts_of_rows(attention_mask)


def check_scores(more: Mapping[str, Any]) -> None:
    """Refuse arguments of an attention function that make scores more than scaled products.

    Raises
    ------
    ValueError
        Soft caps, sinks of softmax or biases, such as those of ALiBi.
    """
    for name in ("softcap", "s_aux", "position_bias"):
        if more.get(name) is not None:
            raise ValueError(
                f"attention is called with {name}, which changes its scores: the arrays compute "
                "products of queries and keys only"
            )


def register() -> None:
    """Register both functions with transformers."""
    AttentionInterface.register(NAME, attend_layer)
    AttentionMaskInterface.register(NAME, padding_starts)


def _scalers_of(module: nn.Module, kind: str) -> HeadScalers:
    scalers = getattr(module, SUBMODULE, None)
    if not isinstance(scalers, HeadScalers):
        raise ValueError(
            f"layer {module.layer_idx} has no scalers, but is of kind {kind!r}: load the model "
            "with gaincell.ml.models.load.load_model"
        )
    return scalers


def _softmax(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    head: HeadConfig | Reach | None,
    starts: Tensor | None,
    scale: float | None,
) -> Tensor:
    if torch.compiler.is_compiling():
        return softmax_in_graph(query, key, value, head, starts, scale)
    return attention(query, key, value, head, kind="softmax", start=starts, scale=scale)
