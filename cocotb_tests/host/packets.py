"""The codes of tokens, columns and results as the bytes of packets."""

import numpy as np
from numpy.typing import NDArray

from gaincell.core.config import CoreConfig


def packed(codes: NDArray[np.integer], width: int) -> int:
    """Numbers of ``width`` bits, the first one lowest."""
    return sum(
        (int(code) & ((1 << width) - 1)) << place * width
        for place, code in enumerate(codes.ravel())
    )


def unpacked(word: int, count: int, width: int) -> NDArray[np.int64]:
    """``count`` signed numbers of ``width`` bits, the lowest one first."""
    sign = 1 << (width - 1)
    numbers = [(word >> place * width) & ((1 << width) - 1) for place in range(count)]
    return np.array([(number ^ sign) - sign for number in numbers])


def column_packet(
    k_code: NDArray[np.integer], v_code: NDArray[np.integer], core: CoreConfig
) -> bytes:
    """Key and value (groups * D,) of a column."""
    head = core.head
    word = (
        packed(k_code, head.key_bits)
        | packed(v_code, head.value_bits) << k_code.size * head.key_bits
    )
    return word.to_bytes(-(-core.stored_bits // 8), "little")


def token_packet(
    q_code: NDArray[np.integer],
    k_code: NDArray[np.integer] | None,
    v_code: NDArray[np.integer] | None,
    core: CoreConfig,
) -> bytes:
    """Query (groups * D,) with key and value, or a further query without."""
    word, bits = packed(q_code, core.head.query_bits), core.query_bits
    if k_code is not None and v_code is not None:
        word |= int.from_bytes(column_packet(k_code, v_code, core), "little") << bits
        bits = core.token_bits
    return word.to_bytes(-(-bits // 8), "little")
