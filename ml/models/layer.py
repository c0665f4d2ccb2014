"""The attention and mask functions that Hugging Face models call by the name "gaincell"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, causal_mask_function

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.checks import start_of_mask
from gaincell.ml.attention.softmax import Reach
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.scalers import SUBMODULE, HeadScalers, Observation
from gaincell.ml.models.settings import Settings

NAME = "gaincell"


def attend_layer(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    hardware_cache: HardwareCache | None = None,
    sliding_window: int | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention output (B, T, H, D) of one layer.

    Parameters
    ----------
    module : the attention layer, with ``layer_idx``, ``config`` and, if converted, scalers
    query : (B, H, T, D); key, value : (B, H_kv, S, D)
    attention_mask : the result of ``padding_starts``
    hardware_cache : the arrays with all earlier tokens; key and value then belong to the new ones
    sliding_window : tokens that a query of the stock model sees; the arrays have their own window

    Raises
    ------
    ValueError
        Scalers are missing, dropout is not 0, scores are more than scaled products, the mask is not
        from ``padding_starts``, or arrays with faults would decode from a cache.
    """
    settings, layer = Settings.of(module.config), module.layer_idx
    assert isinstance(layer, int)
    kind = settings.kinds[layer]
    check_scores(more)
    if dropout:
        raise ValueError(
            f"dropout of attention is {dropout}, but the arrays have none: set it to 0 in the "
            "model's config"
        )
    if attention_mask is not None and attention_mask.dim() != 1:
        raise ValueError("a ready-made attention mask was given: give one of shape (batch, tokens)")
    if kind in ("softmax", "stock"):
        head: HeadConfig | Reach | None = settings.head
        if kind == "stock":
            head = None if sliding_window is None else Reach(sliding_window)
        output = attention(
            query, key, value, head, kind="softmax", start=attention_mask, scale=scaling
        )
        if kind == "stock":
            return output.transpose(1, 2), None
        scalers = _scalers_of(module, kind)
        observation = Observation(query, key, value, output)
    else:
        scalers = _scalers_of(module, kind)
        op = partial(attention, config=settings.head, kind=kind)
        in_cache = None if hardware_cache is None else partial(hardware_cache.attend, layer)
        observation = _attend_arrays(scalers, query, key, value, attention_mask, op, in_cache)
        if scalers.first_weight is not None:
            total = key.shape[2]
            if hardware_cache is not None:
                total = hardware_cache.get_seq_length(layer)
            scalers.first_tokens = _first_tokens(scalers, query, value, total, attention_mask)
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
    if mask_function is not causal_mask_function and not sliding:
        raise ValueError(
            "the mask is more than causal: several sequences in one row cannot run on the arrays"
        )
    if kv_offset or int(q_offset) + q_length != kv_length:
        raise ValueError(
            "a cache of fixed or sliding size was given: use the default one, or HardwareCache"
        )
    if attention_mask is None:
        return None
    starts = start_of_mask(attention_mask[:, :kv_length])
    return starts if bool(starts.any()) else None


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


def _first_tokens(
    scalers: HeadScalers, query: Tensor, value: Tensor, total: int, starts: Tensor | None
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Rows and columns of the first tokens among this call's queries, and the layer's output there.

    ``total`` counts all tokens so far, with those of this call.
    """
    assert scalers.first_weight is not None
    assert scalers.first_bias is not None
    tokens = query.shape[2]
    if starts is None:
        starts = torch.zeros(len(query), dtype=torch.int64, device=query.device)
    column = starts - (total - tokens)
    rows = ((column >= 0) & (column < tokens)).nonzero()[:, 0]
    if not len(rows):
        return None
    first = value[rows, :, value.shape[2] - tokens + column[rows]]  # (R, H_kv, D)
    first = first.repeat_interleave(scalers.heads // first.shape[1], dim=1).flatten(1)
    weight, bias = scalers.first_weight.to(first), scalers.first_bias.to(first)
    return rows, column[rows], torch.nn.functional.linear(first, weight, bias)


def _attend_arrays(
    scalers: HeadScalers,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor | None,
    op: Callable[..., Tensor],
    in_cache: Callable[..., Tensor] | None,
) -> Observation:
    dtype = scalers.dtype or query.dtype
    q, k, v = (
        scalers.units(x.to(dtype), name) for x, name in zip((query, key, value), "qkv", strict=True)
    )
    if in_cache is not None:
        if scalers.faults is not None:
            raise ValueError(
                "arrays with faults do not decode from a HardwareCache: generate with "
                "use_cache=False"
            )
        y = in_cache(q, k, v, starts)
        output = scalers.output(y)
    else:
        y = op(q, k, v, start=starts, faults=scalers.faults, generator=scalers.noise)
        output = scalers.output(y)
        if starts is not None:
            # Padding has no output: an offset must not give it one.
            position = torch.arange(key.shape[2] - query.shape[2], key.shape[2], device=q.device)
            output = output * (position >= starts[:, None])[:, None, :, None]
    return Observation(query, key, value, output.to(query.dtype), q, k, v, y)
