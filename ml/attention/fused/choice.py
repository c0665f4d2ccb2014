"""Which implementation computes attention on the arrays: plain torch, or the kernels in Triton.

The kernels are chosen for tensors on a GPU, CUDA's or ROCm's, where Triton is installed. An
argument of ``attention`` or the environment variable ``GAINCELL_ATTENTION`` decides otherwise.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.numbers import Numbers

IMPLEMENTATIONS = ("auto", "torch", "triton")
VARIABLE = "GAINCELL_ATTENTION"
MOST_DIMS = 128
MOST_ORDER = 3


def implementation_for(
    config: HeadConfig,
    device: torch.device | str,
    dtype: torch.dtype = torch.float32,
    implementation: str | None = None,
) -> str:
    """What ``attention`` would use, and why, for example "torch, as the tensors are on the CPU".

    Raises
    ------
    ValueError
        The implementation is none, or cannot compute this.
    """
    reason = _reason_against(Numbers.of(config), torch.device(device).type, dtype)
    wanted = _wanted(implementation)
    if _uses_kernels(wanted, reason):
        return "triton"
    return f"torch, as {reason}" if wanted == "auto" else "torch, as it was asked for"


def uses_kernels(q: Tensor, numbers: Numbers) -> bool:
    """Whether the kernels compute for queries like q.

    Raises
    ------
    ValueError
        As ``implementation_for``.
    """
    wanted = _wanted(numbers.implementation)
    if wanted == "torch" or (wanted == "auto" and q.device.type == "cpu"):
        return False
    return _uses_kernels(wanted, _reason_against(numbers, q.device.type, q.dtype))


def _uses_kernels(wanted: str, reason: str | None) -> bool:
    if wanted == "triton" and reason:
        raise ValueError(f'implementation is "triton", but {reason}')
    return wanted != "torch" and not reason


def _wanted(implementation: str | None) -> str:
    wanted, name = implementation, "implementation"
    if wanted is None:
        wanted, name = os.environ.get(VARIABLE) or "auto", f"environment variable {VARIABLE}"
    if wanted not in IMPLEMENTATIONS:
        raise ValueError(f'{name} is {wanted!r}, but must be "auto", "torch" or "triton"')
    return wanted


def _reason_against(numbers: Numbers, device: str, dtype: torch.dtype) -> str | None:
    """Why the kernels cannot compute this; None: they can."""
    if not _installed():
        return "Triton is not installed"
    if device != "cuda" and not _interpreted():
        return f"the tensors are on the {device.upper()}"
    if dtype == torch.float64:
        return "the tensors are float64, whose results must not depend on a device"
    if numbers.config.head_dim > MOST_DIMS:
        return f"head_dim is {numbers.config.head_dim}, above {MOST_DIMS}"
    rate = numbers.terms[0].rate
    if any(term.power > MOST_ORDER for term in numbers.terms):
        return f"the cell's polynomial has an order above {MOST_ORDER}"
    if not numbers.ring or numbers.read_unit != 1:
        return "the reference's numerics were asked for"
    if any(abs(term.rate - term.power * rate) > 1e-12 for term in numbers.terms):
        return "all orders of the cell's polynomial decay alike"
    return None


@cache
def _installed() -> bool:
    return find_spec("triton") is not None


def _interpreted() -> bool:
    """Triton's interpreter runs kernels on a CPU, for tests."""
    return os.environ.get("TRITON_INTERPRET") == "1"
