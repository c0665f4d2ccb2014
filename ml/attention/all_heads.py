"""All heads of a batch: the outputs of the ring sub-tiles plus the outputs of the sink sub-tile."""

import torch
from torch import Tensor

from gaincell.ml.attention.chunk_tensors import Work
from gaincell.ml.attention.forward import attend_part, part_gradients
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


def gradients_of_heads(
    q: Tensor, k: Tensor, v: Tensor, dy: Tensor, numbers: Numbers
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v from that of ``attend_heads``'s y, with key 0 at position 0."""
    config, first_query = numbers.config, k.shape[2] - q.shape[2]
    whole = [torch.zeros_like(x) for x in (q, k, v)]
    parts = [(ring_part(config, merge=numbers.ring), k.shape[2])]
    if config.sink:
        parts.append((sink_part(config), config.sink))
    for part, keys in parts:
        work = Work(numbers, part, first_query, 0, q.shape[1] // k.shape[1])
        inputs = (q, k[:, :, :keys], v[:, :, :keys])
        flat = [x.flatten(0, 1) for x in (*inputs, dy)]
        found = part_gradients(flat[0], flat[1], flat[2], flat[3], work)
        for total, x, gradient in zip(whole, inputs, found, strict=True):
            total[:, :, : x.shape[2]] += gradient.view(x.shape)
    dq, dk, dv = whole
    return dq, dk, dv
