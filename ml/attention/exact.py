"""Matrix products in full float32, also where the process allows faster, coarser ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def exact_products(device_type: str) -> Iterator[None]:
    """No autocast, and no bfloat16 or TF32 inside float32 products, inside this context.

    A rounded score changes a pulse, and a rounded map changes a code. So the arrays are computed
    inside this context, also in training with autocast or with matmul precision "medium".
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def exact_product(x: Tensor, weight: Tensor) -> Tensor:
    """x (B, H, T, D) @ weight (H, D, E), as inside ``exact_products``."""
    product = _product_node if torch.compiler.is_compiling() else _product
    y: Tensor = product(x, weight)
    return y


def _product(x: Tensor, weight: Tensor) -> Tensor:
    with exact_products(x.device.type):
        return x @ weight


_product_node = torch.library.custom_op("gaincell::exact_product", _product, mutates_args=())
"""One node of a graph: the precision is a setting of the process, which a graph does not keep."""


@_product_node.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    return x.new_empty(*x.shape[:-1], weight.shape[-1])


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _gradients(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    of_weight = _product_node(x.transpose(-1, -2), dy)
    return _product_node(dy, weight.transpose(-1, -2)), of_weight.sum(0)


_product_node.register_autograd(_gradients, setup_context=_keep)
