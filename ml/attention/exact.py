"""Matrix products in full float32, also where the process allows faster, coarser ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
