"""The attention op inside a graph that torch.compile or torch.export makes.

The arrays are one node, which calls the same code as without a graph: a compiler that saw their
steps would round them in another order, and they branch on values.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from gaincell.config import HeadConfig
from gaincell.ml.attention.all_heads import gradients_of_heads
from gaincell.ml.attention.checks import starts_of
from gaincell.ml.attention.exact import exact_products
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.op import attention, rows_by_start
from gaincell.ml.attention.softmax import Reach


def text_of(head: HeadConfig) -> str:
    """A head as a node of a graph keeps it, also in a file: JSON of all but its defaults."""
    return json.dumps(head.fields_set())


@lru_cache
def head_of(text: str) -> HeadConfig:
    """The head of ``text_of``."""
    return HeadConfig(**json.loads(text))


@torch.library.custom_op("gaincell::attend", mutates_args=())
def attend_node(
    q: Tensor, k: Tensor, v: Tensor, start: Tensor | None, head: str, kind: str
) -> Tensor:
    """``attention`` on the arrays, of kind "hardware" or "linear"; ``head`` is ``text_of`` one."""
    return attention(q, k, v, head_of(head), kind=kind, start=start).contiguous()


@torch.library.custom_op("gaincell::attend_backward", mutates_args=())
def _backward_node(
    q: Tensor, k: Tensor, v: Tensor, dy: Tensor, start: Tensor | None, head: str, kind: str
) -> tuple[Tensor, Tensor, Tensor]:
    numbers, before = Numbers.of(head_of(head), kind=kind), k.shape[2] - q.shape[2]
    dq, dk, dv = (torch.zeros(x.shape, dtype=x.dtype, device=x.device) for x in (q, k, v))
    with exact_products(q.device.type):
        for rows, begin in rows_by_start(starts_of(start, len(q), k.shape[2]) or [0] * len(q)):
            padding = max(0, begin - before)
            dq[rows, :, padding:], dk[rows, :, begin:], dv[rows, :, begin:] = gradients_of_heads(
                q[rows, :, padding:],
                k[rows, :, begin:],
                v[rows, :, begin:],
                dy[rows, :, padding:],
                numbers,
            )
    return dq, dk, dv


@attend_node.register_fake
def _(q: Tensor, *_: Any) -> Tensor:
    return q.new_empty(q.shape)


@_backward_node.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.head, ctx.kind = inputs
    ctx.save_for_backward(*tensors)


def _gradients(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    q, k, v, start = ctx.saved_tensors
    return (*_backward_node(q, k, v, dy, start, ctx.head, ctx.kind), None, None, None)


attend_node.register_autograd(_gradients, setup_context=_keep)


def softmax_in_graph(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    config: HeadConfig | Reach | None,
    start: Tensor | None,
    scale: float | None,
) -> Tensor:
    """``attention`` of kind "softmax", with one mask: nothing here depends on values."""
    tokens, keys = q.shape[2], k.shape[2]
    key = torch.arange(keys, device=q.device)
    query = torch.arange(keys - tokens, keys, device=q.device)[:, None]
    seen, position = key <= query, key
    if start is not None:
        begin = start[:, None, None, None]
        position = key - begin  # (B, 1, 1, S)
        seen = seen & (position >= 0)
    if config is not None:
        seen = seen & ((key > query - config.window) | (position < config.sink))
    y = scaled_dot_product_attention(
        q,
        k,
        v,
        # Padding sees itself, or its softmax would be 0 / 0.
        attn_mask=seen | (key == query),
        scale=scale,
        enable_gqa=q.shape[1] != k.shape[1],
    )
    return y if start is None else y * (query >= begin)
