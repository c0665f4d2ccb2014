"""The wires between control and arrays in one cycle, and the codes packed on them."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class WritePort(NamedTuple):
    """Wires of one column write. ``code`` packs D codes, dimension 0 in the lowest bits."""

    enable: int = 0
    broadcast: int = 0
    tile: int = 0
    column: int = 0
    code: int = 0


class Wires(NamedTuple):
    """All wires to the arrays in one cycle; enables of converters have one bit per bank.

    ``query`` packs the D query pulses, dimension 0 in the lowest bit.
    """

    k: WritePort = WritePort()
    v: WritePort = WritePort()
    query: int = 0
    k_reset: int = 0
    k_integrate: int = 0
    k_convert: int = 0
    v_reset: int = 0
    v_integrate: int = 0
    v_convert: int = 0


ENABLES = ("k_reset", "k_integrate", "k_convert", "v_reset", "v_integrate", "v_convert")
"""Names of the wires of the converter stages, in the order of ``Wires``."""
_BITS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
ROWS = 64
"""Rows whose bits stay in the cache."""


def unpack_codes(packed: int, count: int, width: int) -> NDArray[np.int64]:
    """The ``count`` unsigned codes in ``packed``, lowest bits first: (count,).

    ``width`` : bits of each, 1..8
    """
    # Eight codes take ``width`` bytes, which make one number.
    eights = -(-count // 8)
    raw = np.frombuffer(packed.to_bytes(eights * width, "little"), dtype=np.uint8)
    numbers = np.zeros((eights, 8), dtype=np.uint8)
    numbers[:, :width] = raw.reshape(eights, width)
    codes = numbers.view("<i8") >> np.arange(8) * width
    codes &= (1 << width) - 1
    return codes.ravel()[:count]


def pack_codes(codes: Any, width: int) -> int:
    """Inverse of ``unpack_codes`` for any sequence of codes."""
    return sum(int(code) << (width * place) for place, code in enumerate(codes))


def pack_each(codes: NDArray[np.integer], width: int) -> list[int]:
    """The codes (T, ...) of each of T rows on their wires, as ``pack_codes`` packs one row.

    ``width`` : bits of each, 1..8
    """
    rows = codes.reshape(len(codes), math.prod(codes.shape[1:])).astype(np.uint8)
    bits_of_code, packed = _BITS_OF_BYTE[:, :width], []
    for begin in range(0, len(rows), ROWS):
        some = rows[begin : begin + ROWS]
        bits = bits_of_code.take(some, axis=0).reshape(len(some), -1)
        raw = np.packbits(bits, axis=1, bitorder="little")
        packed += [int.from_bytes(row, "little") for row in raw]
    return packed
