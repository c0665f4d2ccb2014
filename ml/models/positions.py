"""Where each row of a batch begins: padding, and the positions that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import EncoderDecoderCache

from gaincell.ml.attention.checks import start_of_mask
from gaincell.ml.models.cache import HardwareCache


def place_tokens(
    names: Sequence[str], _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Count positions from each row's first real token; a hook before a model without its head.

    A row then gives what it gives alone, without padding. ``position_ids`` of the caller stay as
    they are: they say where the model believes a token, never its age on the arrays.

    Parameters
    ----------
    names : the model's arguments, in order

    Raises
    ------
    TypeError, ValueError
        A mask that is not one of 0 and 1 over all tokens so far, one with a gap, or one that
        contradicts the mask of earlier calls; ``position_ids`` of several sequences in one row.
    """
    kwargs = dict(zip(names, args, strict=False)) | kwargs
    ids, embeds = kwargs.get("input_ids"), kwargs.get("inputs_embeds")
    read = ids if embeds is None else embeds[:, :, 0]
    if read is None:
        return (), kwargs  # and the model says so
    tokens = read.shape[-1]
    mask, position = kwargs.get("attention_mask"), kwargs.get("position_ids")
    cache = kwargs.get("past_key_values")
    if isinstance(cache, EncoderDecoderCache) and isinstance(
        cache.self_attention_cache, HardwareCache
    ):
        raise ValueError("a HardwareCache is the past_key_values itself: give it without a wrapper")
    past = 0 if cache is None else cache.get_seq_length()
    if mask is not None:
        _check_shape(mask, past + tokens)
    starts = None if mask is None else starts_of_rows(mask)
    if isinstance(cache, HardwareCache):
        starts = cache.starts_with(starts, mask, past)
    if position is not None:
        check = _check_node if torch.compiler.is_compiling() else _checked
        position = check(position, None if mask is None else mask[:, past:])
        kwargs["position_ids"] = position
    if starts is None:
        return (), kwargs
    starts = starts.to(read.device)
    column = torch.arange(past + tokens, device=starts.device)
    if mask is None:
        kwargs["attention_mask"] = column >= starts[:, None]
    if position is None:
        kwargs["position_ids"] = (column[past:] - starts[:, None]).clamp(min=0)
    return (), kwargs


def starts_of_rows(mask: Tensor) -> Tensor | None:
    """First real token (B,) of each row of a padding mask (B, S); None: no row is padded.

    In a graph, which must not depend on the mask's values, never None.

    Raises
    ------
    ValueError
        As ``start_of_mask``.
    """
    if torch.compiler.is_compiling():
        node: Tensor = _starts_node(mask)
        return node
    starts = start_of_mask(mask)
    return starts if bool(starts.any()) else None


def _check_shape(mask: Any, tokens: int) -> None:
    if not isinstance(mask, Tensor) or mask.dim() != 2:
        raise ValueError("a ready-made attention mask was given: give one of shape (batch, tokens)")
    if mask.shape[1] != tokens:
        raise ValueError(
            f"attention_mask has {mask.shape[1]} tokens, but the model has {tokens} so far: give "
            "one for all of them, those in the cache too"
        )


def _checked(position: Tensor, real: Tensor | None) -> Tensor:
    """Positions (B, T) that rise from one real token of a row to the next; others are refused.

    ``real`` (B, T) is 0 for padding; None: there is none.
    """
    again = position.diff(dim=-1) <= 0
    if real is not None:
        again = again & (real[:, 1:] != 0) & (real[:, :-1] != 0)
    if again.any():
        raise ValueError(
            "position_ids begin anew within a row: several sequences in one row cannot run on the "
            "arrays"
        )
    return position


# Checks of values: in a graph they are nodes, which run whenever the graph does.
_starts_node = torch.library.custom_op("gaincell::starts", start_of_mask, mutates_args=())


@torch.library.custom_op("gaincell::positions", mutates_args=())
def _check_node(position: Tensor, real: Tensor | None) -> Tensor:
    return _checked(position, real).clone()


@_starts_node.register_fake
def _(mask: Tensor) -> Tensor:
    return mask.new_empty(mask.shape[0], dtype=torch.int64)


@_check_node.register_fake
def _(position: Tensor, real: Tensor | None) -> Tensor:
    return torch.empty_like(position)
