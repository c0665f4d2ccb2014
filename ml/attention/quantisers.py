"""The hardware's rounding and clipping, with straight-through gradients."""

from typing import Any

import torch
from torch import Tensor

_HALF_UP = 0.5 + 2**-12
"""A factor for integers below 2^10, before rounding to even: halves round away from zero."""


def codes_of(x: Tensor, largest: int) -> Tensor:
    """Nearest code 0..``largest``, halves up, of values x in 0..1, as floats; any shape.

    Values beyond 0..1 give the code at that end; NaN stays NaN.
    """
    return (x * largest + 0.5).floor_().clamp_(0, largest)


def quantised(x: Tensor, largest: int) -> Tensor:
    """x rounded to the nearest code / ``largest``; no gradient of its own."""
    return codes_of(x, largest).div_(largest)


def within_unit(x: Tensor) -> Tensor:
    """True where the gradient of a code passes: 0 <= x <= 1."""
    return (x >= 0) & (x <= 1)


def quantise(x: Tensor, bits: int) -> Tensor:
    """x in 0..1 rounded to one of 2^bits codes, in units of the largest code; any shape.

    The gradient passes unchanged where 0 <= x <= 1 and is zero elsewhere.

    Raises
    ------
    ValueError
        ``bits`` outside 1..8.
    """
    if not 1 <= bits <= 8:
        raise ValueError(f"bits is {bits}, but a code has 1..8 bits")
    y: Tensor = _Quantise.apply(x, (1 << bits) - 1)  # type: ignore[no-untyped-call]
    return y


def read_out(steps: Tensor, largest: float) -> Tensor:
    """Signed codes of charges in ``steps`` of the clock, clipped to +-``largest``, halves away
    from 0.

    ``steps`` is n * A / a_sat, any shape; codes are floats. The gradient passes straight through
    where the charge is not clipped. The rounding is the same as in
    ``behavioral.attention.read_out``: no sum can carry a value just below a half over it.
    """
    y: Tensor = _ReadOut.apply(steps, largest)  # type: ignore[no-untyped-call]
    return y


def rounded_codes(steps: Tensor, largest: float) -> Tensor:
    """As ``read_out``, without a gradient."""
    # floor(2 |x|) is exact, and is an even number or an odd one: a half and above.
    codes = (steps * 2).abs_().clamp_max_(2 * largest).floor_()
    return codes.mul_(_HALF_UP).round_().copysign_(steps)


class _Quantise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: int) -> Tensor:
        ctx.save_for_backward(x)
        return quantised(x, largest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradients[0] * within_unit(x), None


class _ReadOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Tensor, largest: float) -> Tensor:
        ctx.save_for_backward(steps)
        ctx.largest = largest
        return rounded_codes(steps, largest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (steps,) = ctx.saved_tensors
        return gradients[0] * (steps.abs() < ctx.largest), None
