"""``attention`` and ``attend_codes``: softmax, the linear cell, or the hardware bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from gaincell.config import HeadConfig
from gaincell.ml.attention.all_heads import attend_heads
from gaincell.ml.attention.authors import ReferenceQuirks
from gaincell.ml.attention.checks import check_dims, check_tensors, first_position, starts_of
from gaincell.ml.attention.exact import exact_products
from gaincell.ml.attention.faulty import faulty_attention
from gaincell.ml.attention.faulty_arrays import FaultyArrays
from gaincell.ml.attention.numbers import Numbers
from gaincell.ml.attention.softmax import Reach, softmax_attention

KINDS = ("softmax", "linear", "hardware")


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    config: HeadConfig | Reach | None,
    *,
    kind: str = "hardware",
    backward: str = "surrogate",
    quantise: bool = True,
    offset: int | None = None,
    start: Tensor | None = None,
    reference: ReferenceQuirks | None = None,
    faults: FaultyArrays | None = None,
    generator: torch.Generator | None = None,
    scale: float | None = None,
    implementation: str | None = None,
) -> Tensor:
    """Causal attention, (B, H, T, D) as q and of its type; docs/do/models.md.

    Parameters
    ----------
    q : (B, H, T, D)
        The queries of the last T of S tokens.
    k, v : (B, H_kv, S, D)
        H is a multiple of H_kv: query head h reads key and value head h // (H / H_kv).
    config : HeadConfig, Reach or None
        Without a head only with kind "softmax": a window of another size, or none.
    kind : "hardware" (the config's cell), "linear" (the linear cell) or "softmax" (stock softmax
        over the window and the sink)
        For the first two, inputs are codes over the largest code, 0..1, and y is the sum of the
        sub-tiles' codes. For "softmax", inputs and y are a model's own values.
    backward : "surrogate" (the gradient of the linear cell under the forward's clipping) or "true"
    quantise : False leaves out all rounding, of inputs and of read-outs, and the clipping of inputs
    offset : position in the sequence of the first query; S - T by default
    start : (B,) integers
        First real token of each left-padded row: it is position 0 of its sequence. y and gradients
        of padding are 0.
    reference : deviations of the authors' code, for reproduction
    faults, generator : arrays with faults, and the random generator of what they draw anew at
        every read; None: the CPU's default generator
    scale : of softmax scores, 1 / sqrt(D) by default
    implementation : "triton", the kernels for GPUs, "torch", or "auto"; None: what the environment
        variable GAINCELL_ATTENTION says, "auto" by default. Softmax and faults are always torch's.

    Raises
    ------
    TypeError, ValueError
        Arguments of wrong type, shape or range.
    """
    check_tensors(q, k, v)
    if kind not in KINDS:
        raise ValueError(f'kind is {kind!r}, but must be "softmax", "linear" or "hardware"')
    if not isinstance(config, HeadConfig) and kind != "softmax":
        raise ValueError(f'config is {config}, but kind "{kind}" needs a HeadConfig')
    starts = starts_of(start, len(q), k.shape[2])
    first_key = first_position(q, k, offset, config)
    if starts and first_key:
        raise ValueError("offset is above S - T, but start needs the keys from position 0 on")
    if kind == "softmax":
        if faults or reference:
            raise ValueError('kind is "softmax", which has neither faults nor reference numerics')
        op: _Op = partial(softmax_attention, config=config, scale=scale)
    else:
        assert isinstance(config, HeadConfig)
        check_dims(q, config)
        numbers = Numbers.of(
            config,
            kind=kind,
            backward=backward,
            quantise=quantise,
            reference=reference,
            implementation=implementation,
            coarse=torch.get_float32_matmul_precision() == "medium",
        )
        op = partial(attend_heads, numbers=numbers)
        if faults:
            if reference:
                raise ValueError("faults belong to the hardware: leave out reference")
            op = partial(faulty_attention, numbers=numbers, arrays=faults, generator=generator)
    with nullcontext() if kind == "softmax" else exact_products(q.device.type):
        if starts is None:
            return op(q, k, v, first_key=first_key)
        return _by_start(op, q, k, v, starts)


def attend_codes(
    q_code: Tensor,
    k_code: Tensor,
    v_code: Tensor,
    config: HeadConfig,
    *,
    dtype: torch.dtype = torch.float64,
    start: Tensor | None = None,
) -> Tensor:
    """y codes, int64 (B, H, T, D), of integer codes shaped as in ``attention``.

    In float64, the default, y equals ``behavioral.attention.attend`` code for code.

    Raises
    ------
    TypeError, ValueError
        As ``attention``; codes that are no integers or beyond their largest.
    """
    largest = (config.query_max, config.key_max, config.value_max)
    units: list[Tensor] = []
    for name, code, most in zip("qkv", (q_code, k_code, v_code), largest, strict=True):
        if not isinstance(code, Tensor) or code.is_floating_point() or code.dtype == torch.bool:
            raise TypeError(f"{name} must be a tensor of integer codes")
        if code.numel() and not (code.amin() >= 0 and code.amax() <= most):
            raise ValueError(f"{name} holds codes beyond 0..{most}")
        units.append(code.to(dtype) / most)
    with torch.no_grad():
        q, k, v = units
        return attention(q, k, v, config, start=start).round().long()


_Op = Callable[..., Tensor]


def _by_start(op: _Op, q: Tensor, k: Tensor, v: Tensor, starts: list[int]) -> Tensor:
    """Run the op once for each start, on the rows that begin there, without their padding."""
    before = k.shape[2] - q.shape[2]
    pieces, order = [], []
    for rows, begin in rows_by_start(starts):
        padding = max(0, begin - before)
        y = op(q[rows, :, padding:], k[rows, :, begin:], v[rows, :, begin:], first_key=0)
        pieces.append(pad(y, (0, 0, padding, 0)))
        order += rows
    place = torch.tensor(order, device=q.device).argsort()
    return torch.cat(pieces)[place]


def rows_by_start(starts: list[int]) -> Iterator[tuple[list[int], int]]:
    """The rows of each start, and that start."""
    for begin in sorted(set(starts)):
        yield [row for row, start in enumerate(starts) if start == begin], begin
