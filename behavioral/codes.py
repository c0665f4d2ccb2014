"""Checks on the integer codes that enter a head."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaincell.config import HeadConfig

Codes = NDArray[np.integer[Any]]


class SequenceShape(NamedTuple):
    """How many tokens T a sequence has, and how many queries G each of them carries.

    Of heads in lock step, G is the number of heads that share a key.
    """

    tokens: int
    group: int

    @property
    def queries(self) -> int:
        """T * G; query n belongs to token n // G."""
        return self.tokens * self.group


def check_codes(name: str, codes: Codes, shape: tuple[int, ...], largest: int) -> None:
    """Refuse ``codes`` unless it is an integer array of ``shape`` with values 0..``largest``.

    Raises
    ------
    TypeError
        Not an array of integers.
    ValueError
        Wrong shape, or a code outside 0..``largest``.
    """
    if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "iu":
        kind = codes.dtype if isinstance(codes, np.ndarray) else type(codes).__name__
        raise TypeError(f"{name} is {kind}, but must be an integer array of codes")
    if codes.shape != shape:
        raise ValueError(f"{name} has shape {codes.shape}, but must be {shape}")
    wrong = np.argwhere((codes < 0) | (codes > largest))
    if wrong.size:
        place = tuple(int(index) for index in wrong[0])
        raise ValueError(f"{name}{list(place)} is {codes[place]}, but codes must be 0..{largest}")


def check_sequence(
    q_code: Codes, k_code: Codes, v_code: Codes, config: HeadConfig
) -> SequenceShape:
    """Check the codes of T tokens: q (T, D) or (T, G, D), k and v (T, D).

    Of heads in lock step: q (T, H, D), k and v (T, groups, D), groups a divisor of H.

    Raises
    ------
    TypeError, ValueError
        As ``check_codes``; a q of other than two or three dimensions, or of G = 0; groups that do
        not divide H.
    """
    dims = config.head_dim
    if getattr(q_code, "ndim", 2) == getattr(k_code, "ndim", 2) == 3:
        return _check_heads(q_code, k_code, v_code, config)
    shape = q_code.shape if isinstance(q_code, np.ndarray) else (0, dims)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"q has shape {shape}, but must be (tokens, {dims}) or (tokens, queries, {dims})"
        )
    tokens, *groups = shape[:-1]
    if groups == [0]:
        raise ValueError(f"q has shape {shape}, but a token must have at least one query")
    check_codes("q", q_code, (tokens, *groups, dims), config.query_max)
    check_codes("k", k_code, (tokens, dims), config.key_max)
    check_codes("v", v_code, (tokens, dims), config.value_max)
    return SequenceShape(tokens, *(groups or (1,)))


def _check_heads(q_code: Codes, k_code: Codes, v_code: Codes, config: HeadConfig) -> SequenceShape:
    """As ``check_sequence`` for heads in lock step."""
    dims, (tokens, heads, _), groups = config.head_dim, q_code.shape, k_code.shape[1]
    if not groups or not heads or heads % groups:
        raise ValueError(
            f"q has {heads} heads and k has {groups}, "
            "but the heads of q must be a multiple of those of k"
        )
    check_codes("q", q_code, (tokens, heads, dims), config.query_max)
    check_codes("k", k_code, (tokens, groups, dims), config.key_max)
    check_codes("v", v_code, (tokens, groups, dims), config.value_max)
    return SequenceShape(tokens, heads // groups)


def check_first(first: NDArray[Any] | None, tokens: int) -> NDArray[np.bool_]:
    """The flags ``first`` as a (T,) array of bool, token 0 always set; None means one sequence.

    Raises
    ------
    TypeError
        Neither bool nor integer.
    ValueError
        Wrong shape, or integers other than 0 and 1.
    """
    if first is None:
        flags = np.zeros(tokens, dtype=np.bool_)
    else:
        if not isinstance(first, np.ndarray) or first.dtype.kind not in "bui":
            raise TypeError("first must be an array of bool, or of 0 and 1")
        if first.shape != (tokens,):
            raise ValueError(f"first has shape {first.shape}, but must be ({tokens},)")
        if not np.isin(first, (0, 1)).all():
            raise ValueError("first must hold only 0 and 1")
        flags = first.astype(np.bool_)
    flags[:1] = True
    return flags
