"""One layer's attention on the arrays: from a model's queries, keys and values to its output."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.ml.attention import attention
from gaincell.ml.models.beside.recent import Recent
from gaincell.ml.models.cache import LayerCache
from gaincell.ml.models.in_graph import attend_node
from gaincell.ml.models.scalers import HeadMaps, HeadScalers, Observation

Softmax = tuple[float | None, int | None]
"""Scale and sliding window of a stock layer's own attention."""


def attend_arrays(
    scalers: HeadScalers,
    kind: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor | None,
    cache: LayerCache | None,
    _: Softmax,
) -> Observation:
    q, k, v, y = _codes(scalers, kind, query, key, value, starts, cache)
    output = scalers.output(y)
    if starts is not None and cache is None:
        # Padding has no output: an offset must not give it one.
        position = torch.arange(key.shape[2] - query.shape[2], key.shape[2], device=q.device)
        output = output * (position >= starts[:, None])[:, None, :, None]
    if scalers.first_weight is not None:
        total = key.shape[2] if cache is None else cache.tokens
        scalers.first_tokens = _first_tokens(scalers, query, value, total, starts)
    return Observation(query, key, value, output.to(query.dtype), q, k, v, y)


def attend_beside(
    scalers: HeadMaps,
    kind: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor | None,
    cache: LayerCache | None,
    softmax: Softmax,
) -> Observation:
    """Recent tokens beside the arrays, which store a token when it is recent no more.

    To the arrays a text begins with so much padding: they see no token before the first has come.
    """
    tokens = query.shape[2]
    if cache is None:
        kept = Recent.of_text(key, value, scalers.kept, starts, tokens)
    else:
        kept = cache.recent(key, value, starts, tokens)
    near = kept.newest(scalers.recent)
    q, k, v, y = _codes(scalers, kind, query, *near.to_arrays(), cache)
    scale, reach = softmax
    scale = query.shape[3] ** -0.5 if scale is None else scale
    output = scalers.beside(near, query, y, scale, reach)
    if scalers.digital:
        output = _with_digital_heads(scalers, kept, query, output, scale, reach)
    output = output * (near.position >= 0)[:, None, :, None]
    total = key.shape[2] if cache is None else cache.tokens
    scalers.first_tokens = _first_tokens(scalers, query, value, total, starts)
    return Observation(query, key, value, output.to(query.dtype), q, k, v, y, scale, reach)


def _with_digital_heads(
    scalers: HeadMaps,
    kept: Recent,
    query: Tensor,
    output: Tensor,
    scale: float,
    reach: int | None,
) -> Tensor:
    """``output`` (B, H, T, D) with softmax over all that is kept in the place of digital heads."""
    heads = list(scalers.digital)
    group = scalers.heads // kept.k.shape[1]
    own = kept.of_heads([head // group for head in heads])
    seen = own.softmax_alone(query[:, heads], scale, reach)
    places = torch.tensor(heads, device=output.device)
    return output.index_copy(1, places, seen.to(output.dtype))


def _codes(
    scalers: HeadScalers,
    kind: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor | None,
    cache: LayerCache | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """q, k, v in codes over the largest, and y (B, H, T, D) in read-out codes."""
    dtype = scalers.dtype or query.dtype
    q, k, v = (
        scalers.units(x.to(dtype), name) for x, name in zip((query, key, value), "qkv", strict=True)
    )
    if cache is None:
        starts = None if starts is None else starts.clamp(max=k.shape[2])
        return q, k, v, _read_out(scalers, kind, q, k, v, starts)
    if scalers.faults is not None:
        raise ValueError(
            "arrays with faults do not decode from a HardwareCache: generate with use_cache=False"
        )
    return q, k, v, cache.attend(q, k, v, starts)


def _read_out(
    scalers: HeadScalers, kind: str, q: Tensor, k: Tensor, v: Tensor, starts: Tensor | None
) -> Tensor:
    if torch.compiler.is_compiling():
        if scalers.faults is None:
            codes: Tensor = attend_node(q, k, v, starts, scalers.head_text, kind)
            return codes
        if torch.compiler.is_exporting():
            raise ValueError("arrays with faults draw anew at every read: export them without")
    y: Tensor = _attention_outside_graphs(
        q,
        k,
        v,
        scalers.head,
        kind=kind,
        start=starts,
        faults=scalers.faults,
        generator=scalers.noise,
    )
    return y


def _first_tokens(
    scalers: HeadScalers, query: Tensor, value: Tensor, total: int, starts: Tensor | None
) -> tuple[Tensor, Tensor] | None:
    """Where the first tokens are among this call's queries, (B, T), and the layer's output there.

    The output is (B, C); that of a row without its first token here is never used. ``total`` counts
    all tokens so far, with those of this call.
    """
    assert scalers.first_weight is not None
    assert scalers.first_bias is not None
    tokens = query.shape[2]
    whole = starts is None and total == tokens > 0  # then no device need be asked
    if starts is None:
        starts = torch.zeros(query.shape[0], dtype=torch.int64, device=query.device)
    column = starts - (total - tokens)
    here = torch.arange(tokens, device=query.device) == column[:, None]
    if not whole and not torch.compiler.is_compiling() and not bool(here.any()):
        return None
    row = torch.arange(query.shape[0], device=query.device)
    first = value[row, :, value.shape[2] - tokens + column.clamp(0, tokens - 1)]  # (B, H_kv, D)
    first = first.repeat_interleave(scalers.heads // first.shape[1], dim=1).flatten(1)
    weight, bias = scalers.first_weight.to(first), scalers.first_bias.to(first)
    return here, torch.nn.functional.linear(first, weight, bias)


_attention_outside_graphs = torch.compiler.disable(  # type: ignore[no-untyped-call]
    attention, reason="arrays with faults draw anew at every read"
)
