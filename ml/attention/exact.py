"""Products in full float32, whatever the process around has allowed for speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_products(device_type: str) -> Iterator[None]:
    """No autocast, and no bfloat16 or TF32 inside float32 products, inside this context.

    Rounded scores move pulses and rounded maps move codes, so the arrays are computed in here, also
    where a model is trained with autocast or with matmul precision "medium".
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
