"""Packing and unpacking of the test bench's words, each one unsigned number."""

from functools import cache

import numpy as np
from amaranth.hdl import Shape
from numpy.typing import NDArray

from gaincell.behavioral.tokens import Tokens
from gaincell.behavioral.wires import ENABLES, WritePort, pack_each
from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape, result_layout, status_port, token_layout

IDLE_PORT = WritePort()
PACE_BITS = 16
_WEIGHTS = np.exp2(np.arange(32))
"""Of bit planes."""
Flags = NDArray[np.uint8]
"""Bits, each 0 or 1."""


class WireFormat:
    """Places of all wires in ``tb.control``, counted from the lowest bit."""

    def __init__(self, config: HeadConfig) -> None:
        self._banks = config.timing.banks
        self._columns = index_shape(config.columns).width
        self._tiles = index_shape(config.tiles).width
        select = self._columns + self._tiles
        self._v_at = self._banks * len(ENABLES)
        self._k_at = self._v_at + select
        self._flags_at = self._k_at + select
        self.control_bits = self._flags_at + 4
        self._masks: dict[int, tuple[int, ...]] = {}

    def parts(self, control: int) -> tuple[WritePort, WritePort, tuple[int, ...]]:
        """Write ports of K and V without their codes, and the enables in the order of ``Wires``.

        An idle write port is all zero, whatever its select.
        """
        flags, k, v = control >> self._flags_at, IDLE_PORT, IDLE_PORT
        if flags & 8:
            k = self._port(flags >> 2 & 1, control >> self._k_at)
        if flags & 2:
            v = self._port(flags & 1, control >> self._v_at)
        enables = control & (1 << self._v_at) - 1
        masks = self._masks.get(enables)
        if masks is None:
            each, banks = (1 << self._banks) - 1, self._banks
            places = range(self._v_at - banks, -1, -banks)
            masks = self._masks[enables] = tuple(enables >> place & each for place in places)
        return k, v, masks

    def _port(self, broadcast: int, select: int) -> WritePort:
        column = select & (1 << self._columns) - 1
        return WritePort(1, broadcast, select >> self._columns & (1 << self._tiles) - 1, column)


def with_code(port: WritePort, code: int) -> WritePort:
    """``port`` with another code."""
    return WritePort(port[0], port[1], port[2], port[3], code)


def token_words(
    tokens: Tokens,
    idle: NDArray[np.integer],
    stall: NDArray[np.integer],
    config: HeadConfig,
) -> list[int]:
    """One ``push_word`` for each of T * G queries: the token, then ``idle``, then ``stall``.

    ``idle`` and ``stall`` (T * G,) are in cycles. The key and value of a further query are the
    complements of the token's: the head must not use them.
    """
    place, group = _word_places(config), tokens.queries_per_token
    queries = pack_each(tokens.q_code.reshape(len(idle), -1), config.query_bits)
    keys = pack_each(tokens.k_code, config.key_bits)
    values = pack_each(tokens.v_code, config.value_bits)
    # Keys and values lie beside each other, and all their bits are flipped.
    complement = (1 << place["first"]) - (1 << place["k"])
    paces = zip(idle.tolist(), stall.tolist(), strict=True)
    words = []
    for query, (q_code, (waits, stalls)) in enumerate(zip(queries, paces, strict=True)):
        token, turn = divmod(query, group)
        word = q_code | keys[token] << place["k"] | values[token] << place["v"]
        if turn:
            word = word ^ complement | 1 << place["further"]
        else:
            word |= int(tokens.first[token]) << place["first"]
        words.append(word | waits << place["idle"] | stalls << place["idle"] + PACE_BITS)
    return words


@cache
def _word_places(config: HeadConfig) -> dict[str, int]:
    """Lowest bit of each field of a ``token_payload``, and of ``idle``, which follows in a word."""
    layout = token_layout(config)
    return {name: field.offset for name, field in layout} | {"idle": layout.size}


def token_positions(config: HeadConfig) -> dict[str, int]:
    """Constants for Verilog: bits of ``token_payload``, and the lowest bit of each field."""
    places = dict(_word_places(config))
    bits = places.pop("idle")
    return {"TOKEN_BITS": bits} | {f"TOKEN_{name.upper()}": at for name, at in places.items()}


def with_flag(payload: int, name: str, value: bool, config: HeadConfig) -> int:
    """A ``token_payload`` with one flag set to ``value``."""
    bit = 1 << flag_place(name, config)
    return payload | bit if value else payload & ~bit


def flag_place(name: str, config: HeadConfig) -> int:
    """Place of a flag in a ``token_payload``, from the lowest bit."""
    return _word_places(config)[name]


def results_of(words: list[int], config: HeadConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Outputs y (Q, D) and latencies in cycles (Q,) from Q results."""
    dims, width = _result_shape(config)
    size = dims * width
    count = -(-(size + 32) // 8)
    raw = np.frombuffer(b"".join(word.to_bytes(count, "little") for word in words), dtype=np.uint8)
    eights = raw.reshape(-1, count).T
    eight, shift = np.divmod(width * np.arange(dims), 8)
    y_code = np.zeros((dims, len(words)), dtype=np.int64)
    for place in range(-(-(width + 7) // 8)):
        y_code |= eights.take(eight + place, axis=0).astype(np.int64) << 8 * place
    y_code >>= shift[:, None]
    # The highest bit is the sign.
    y_code <<= 64 - width
    y_code >>= 64 - width
    return y_code.T, np.array([word >> size for word in words])


@cache
def _result_shape(config: HeadConfig) -> tuple[int, int]:
    """Outputs of a result, and bits of each."""
    layout = result_layout(config)
    return layout.length, layout.size // layout.length


def status_widths(config: HeadConfig) -> dict[str, int]:
    """Bits of each field of ``tb.status``, highest field first."""
    members = status_port(config).members.items()
    return {name: Shape.cast(member.shape).width for name, member in members}


def status_of(status: int, config: HeadConfig) -> dict[str, int]:
    """The fields of ``status_port`` from ``tb.status``."""
    fields = {}
    for name, width in reversed(status_widths(config).items()):
        fields[name], status = status & (1 << width) - 1, status >> width
    return dict(reversed(fields.items()))


def played_codes(
    magnitude: NDArray[np.integer], negative: NDArray[np.bool_], config: HeadConfig
) -> int:
    """``play`` of the pulse transport for codes ([groups,] tiles, D): bit planes, then signs."""
    bits = config.readout_bits
    planes = np.empty((bits + 1, magnitude.size), dtype=np.uint8)
    places = np.arange(bits, dtype=np.uint8)[:, None]
    np.right_shift(magnitude.ravel().astype(np.uint8), places, out=planes[:bits])
    planes[bits] = negative.ravel()
    planes &= 1
    return int.from_bytes(np.packbits(planes, bitorder="little").tobytes(), "little")


def count_bits(config: HeadConfig) -> int:
    """Bits of the length of a query pulse: enough for one that is too long."""
    return config.pulse_cycles.bit_length() + 1


def counted_widths(counted: int, config: HeadConfig) -> NDArray[np.int64]:
    """Query pulse lengths (D,) in cycles from the bit planes of ``counted``."""
    planes = count_bits(config)
    bits = _flags(counted, planes * config.head_dim).reshape(planes, config.head_dim)
    # In floating point, since numpy multiplies no integers quickly; the sums are exact.
    return (_WEIGHTS[:planes] @ bits.astype(np.float64)).astype(np.int64)


def _flags(word: int, count: int) -> Flags:
    """The lowest ``count`` bits of ``word``, lowest first: (count,)."""
    raw = np.frombuffer(word.to_bytes(-(-count // 8), "little"), dtype=np.uint8)
    return np.unpackbits(raw, count=count, bitorder="little")
