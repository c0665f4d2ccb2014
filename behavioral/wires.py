"""The wires between control and arrays in one cycle, and the codes packed on them."""

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
    """The codes (T, ...) of each of T rows on their wires, as ``pack_codes`` packs one row."""
    packed = np.packbits(bits_of(codes.reshape(len(codes), -1), width), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def bits_of(codes: NDArray[np.integer], width: int) -> NDArray[np.uint8]:
    """Bits of codes (T, N), lowest first: (T, N * width), of at most 16 bits each."""
    eights = codes.astype("<u1" if width <= 8 else "<u2")[:, :, None].view(np.uint8)
    bits = _BITS_OF_BYTE[:, :width].take(eights, axis=0).reshape(*codes.shape, -1)
    return bits[:, :, :width].reshape(len(codes), -1)


_BITS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
