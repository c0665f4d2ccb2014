"""Checks of the tensors that enter the attention op: types, shapes, positions, padding."""

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.softmax import Reach

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def check_tensors(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Refuse q (B, H, T, D), k and v (B, H_kv, S, D) that do not fit together.

    Raises
    ------
    TypeError
        Not a tensor, not of a float type, or not all of one type.
    ValueError
        Shapes that do not fit, H not a multiple of H_kv, S below T, or several devices.
    """
    for name, x in (("q", q), ("k", k), ("v", v)):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name} is {type(x).__name__}, but must be a tensor")
        if x.dtype not in FLOATS:
            raise TypeError(
                f"{name} is {x.dtype}, but must be float64, float32, bfloat16 or float16"
            )
        if x.dtype != q.dtype:
            raise TypeError(f"{name} is {x.dtype}, but q is {q.dtype}: give all the same type")
        if x.device != q.device:
            raise ValueError(f"{name} is on {x.device}, but q is on {q.device}: move it there")
        if x.dim() != 4:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, but must be (batch, heads, tokens, dimensions)"
            )
    if v.shape != k.shape:
        raise ValueError(
            f"v has shape {tuple(v.shape)}, but must have the shape of k, {tuple(k.shape)}"
        )
    batch, heads, tokens, dims = q.shape
    if (k.shape[0], k.shape[3]) != (batch, dims):
        raise ValueError(
            f"k has shape {tuple(k.shape)}, but must be ({batch}, heads, tokens, {dims}) as q is"
        )
    if not k.shape[1] or heads % k.shape[1]:
        raise ValueError(f"q has {heads} heads, but must have a multiple of the {k.shape[1]} of k")
    if k.shape[2] < tokens:
        raise ValueError(
            f"k has {k.shape[2]} tokens, but must have at least the {tokens} of q: the queries "
            "belong to the last tokens"
        )


def check_dims(q: Tensor, config: HeadConfig) -> None:
    """Refuse a q whose last dimension is not the head's."""
    if q.shape[3] != config.head_dim:
        raise ValueError(
            f"q has {q.shape[3]} dimensions, but head_dim of the config is {config.head_dim}"
        )


def first_position(
    q: Tensor, k: Tensor, offset: int | None, config: HeadConfig | Reach | None
) -> int:
    """Absolute position of key 0, from ``offset``, the position of query 0; S - T by default.

    Raises
    ------
    TypeError, ValueError
        An ``offset`` that is no integer, is below S - T, or leaves out tokens that the arrays still
        store.
    """
    missing = k.shape[2] - q.shape[2]
    if offset is None:
        return 0
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise TypeError(f"offset is {offset!r}, but must be an integer")
    if offset < missing:
        raise ValueError(
            f"offset is {offset}, but must be at least {missing}, the keys before the first query"
        )
    first = offset - missing
    seen = 0 if config is None or config.sink else max(0, offset - config.window + 1)
    if first > seen:
        raise ValueError(
            f"k begins at position {first}, but the query at {offset} still sees position {seen}: "
            "give all keys that the arrays store, or use a RingCache"
        )
    return first


def starts_of(start: Tensor | None, batch: int, tokens: int) -> list[int] | None:
    """Index of each row's first real token as a list; None if all rows start at token 0.

    Raises
    ------
    TypeError, ValueError
        Not a tensor of ``batch`` integers 0..``tokens``.
    """
    if start is None:
        return None
    if not isinstance(start, Tensor) or start.is_floating_point() or start.dtype == torch.bool:
        raise TypeError("start must be a tensor of integers, the first real token of each row")
    if start.shape != (batch,):
        raise ValueError(f"start has shape {tuple(start.shape)}, but must be ({batch},)")
    starts: list[int] = start.tolist()
    wrong = [index for index in starts if not 0 <= index <= tokens]
    if wrong:
        raise ValueError(f"start holds {wrong[0]}, but must be 0..{tokens}, the tokens of k")
    return starts if any(starts) else None


def start_of_mask(mask: Tensor) -> Tensor:
    """First real token (B,) of each row of a padding mask (B, S), 1 for real tokens.

    Padding on the right needs no mask, as no token sees a later one: zeros there are ignored.

    Raises
    ------
    TypeError, ValueError
        Not two-dimensional, values other than 0 and 1, or a gap between real tokens.
    """
    if not isinstance(mask, Tensor) or mask.dim() != 2:
        raise TypeError("the padding mask must be a tensor (batch, tokens) of 0 and 1")
    real = mask != 0
    if not torch.equal(real.to(mask.dtype), mask):
        raise ValueError("the padding mask must hold only 0 and 1")
    begins = real.long().diff(dim=1, prepend=torch.zeros_like(mask[:, :1]).long()) == 1
    if (begins.sum(1) > 1).any():
        row = int((begins.sum(1) > 1).nonzero()[0])
        raise ValueError(f"row {row} of the padding mask has a gap between real tokens")
    absent = torch.full_like(begins.sum(1), mask.shape[1])
    return torch.where(begins.any(1), begins.long().argmax(1), absent)
