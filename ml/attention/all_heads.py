"""All heads of a batch: the outputs of the ring sub-tiles plus the outputs of the sink sub-tile."""

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.forward import attend_part
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.parts import Part, ring_part, sink_part


def attend_heads(q: Tensor, k: Tensor, v: Tensor, numbers: Numbers, first_key: int = 0) -> Tensor:
    """y (B, H, T, D) in read-out codes and of q's type; shapes and units as ``attention``.

    Key 0 is at position ``first_key``. The queries belong to the last T of S tokens.
    """
    config = numbers.config
    first_query = first_key + k.shape[2] - q.shape[2]
    y = attend_part_of(
        q, k, v, numbers, ring_part(config, first_key, merge=numbers.ring), first_query, first_key
    )
    if config.sink:
        y = y + attend_sink(q, k, v, numbers, first_query)
    return y.to(q.dtype)


def attend_sink(q: Tensor, k: Tensor, v: Tensor, numbers: Numbers, first_query: int) -> Tensor:
    """The sink sub-tile's contribution to y, in ``compute_type``; key 0 is token 0."""
    sink = numbers.config.sink
    k, v = k[:, :, :sink], v[:, :, :sink]
    return attend_part_of(q, k, v, numbers, sink_part(numbers.config), first_query, 0)


def attend_part_of(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    numbers: Numbers,
    part: Part,
    first_query: int,
    first_key: int,
) -> Tensor:
    """The contribution of one part of the arrays to y, in ``compute_type``.

    Shapes as ``attention``; ``first_query`` and ``first_key`` are the positions of index 0.
    """
    heads, kv_heads = q.shape[1], k.shape[1]
    work = Work(numbers, part, first_query, first_key, heads // kv_heads)
    y = attend_part(
        q.flatten(0, 1),  # (B * H, T, D)
        k.flatten(0, 1),
        v.flatten(0, 1),
        work,
    )
    return torch.unflatten(y, 0, q.shape[:2])
