"""Packing and unpacking of the test bench's words, as text with one character for each bit."""

from functools import cache
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from numpy.typing import NDArray

from gaincell.behavioral.tokens import Tokens
from gaincell.behavioral.wires import ENABLES, Wires, WritePort
from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape, result_layout, status_port, token_layout

IDLE_PORT = WritePort()
PACE_BITS = 16


class UnknownWire(Exception):
    """A wire that must be driven is neither 0 nor 1."""


class WireFormat:
    """Positions of all wires in ``tb.control`` and ``tb.codes``, highest bit first."""

    def __init__(self, config: HeadConfig) -> None:
        self._tile_bits = index_shape(config.tiles).width
        self._column_bits = index_shape(config.columns).width
        self._banks = config.timing.banks
        self._k_code_bits = config.head_dim * config.key_bits
        self.control_bits = (
            4 + 2 * (self._tile_bits + self._column_bits) + len(ENABLES) * self._banks
        )
        self.codes_bits = config.head_dim * (config.key_bits + config.value_bits)

    def wires(self, control: str, codes: str, query: str) -> Wires:
        """Wires from the text of ``control``, ``codes`` and ``query``.

        An idle write port is all zero, whatever its select and codes.

        Raises
        ------
        UnknownWire
            A control wire, or a code that is being written, is neither 0 nor 1.
        """
        try:
            return self._wires(control, codes, query)
        except ValueError as error:
            raise UnknownWire(f"the control drives unknown values: {control}") from error

    def with_query(self, wires: Wires, query: str) -> Wires:
        """``wires`` with the text of other query pulses; raises as ``wires``."""
        try:
            return wires._replace(query=int(query, 2))
        except ValueError as error:
            raise UnknownWire(f"the control drives unknown query pulses: {query}") from error

    def _wires(self, control: str, codes: str, query: str) -> Wires:
        select = 4 + self._tile_bits + self._column_bits
        enables = select + self._tile_bits + self._column_bits
        k = v = IDLE_PORT
        if control[0] != "0":
            k = self._port(control[0:2], control[4:select], codes[: self._k_code_bits])
        if control[2] != "0":
            v = self._port(control[2:4], control[select:enables], codes[self._k_code_bits :])
        return Wires(k, v, int(query, 2), *self._masks(control[enables:]))

    @cache  # noqa: B019 - one format lives as long as the simulation
    def _masks(self, enables: str) -> tuple[int, ...]:
        banks = self._banks
        return tuple(int(enables[at : at + banks], 2) for at in range(0, len(enables), banks))

    def _port(self, flags: str, select: str, code: str) -> WritePort:
        tile, column = select[: self._tile_bits], select[self._tile_bits :]
        return WritePort(
            int(flags[0], 2), int(flags[1], 2), int(tile, 2), int(column, 2), int(code, 2)
        )


def token_words(
    tokens: Tokens,
    idle: NDArray[np.integer],
    stall: NDArray[np.integer],
    config: HeadConfig,
) -> list[str]:
    """One ``push_word`` for each of T * G queries.

    ``idle`` and ``stall`` (T * G,) are in cycles. The key and value of a further query are the
    complements of the token's: the head must not use them.
    """
    q_code, group = tokens.q_code.reshape(len(idle), -1), tokens.queries_per_token
    further = np.arange(len(idle)) % group > 0
    shown = {}
    for name, codes, largest in (
        ("k", tokens.k_code, config.key_max),
        ("v", tokens.v_code, config.value_max),
    ):
        repeated = codes.repeat(group, axis=0)
        shown[name] = np.where(further[:, None], largest - repeated, repeated)
    first = tokens.first.repeat(group) & ~further
    fields = {"q": q_code, **shown, "first": first[:, None], "further": further[:, None]}
    parts = [_bits(stall[:, None], PACE_BITS), _bits(idle[:, None], PACE_BITS)]
    for name, field in reversed(list(token_layout(config))):
        codes = fields[name]
        parts.append(_bits(codes, field.width // codes.shape[1]))
    text = (np.concatenate(parts, axis=1) + ord("0")).astype(np.uint8)
    return [row.tobytes().decode() for row in text]


def token_positions(config: HeadConfig) -> dict[str, int]:
    """Constants for Verilog: bits of ``token_payload``, and the lowest bit of each field."""
    layout = token_layout(config)
    return {"TOKEN_BITS": layout.size} | {
        f"TOKEN_{name.upper()}": field.offset for name, field in layout
    }


def with_flag(word: str, name: str, value: bool, config: HeadConfig) -> str:
    """The text of a ``token_payload`` with one flag set to ``value``."""
    at = flag_place(name, config)
    return f"{word[:at]}{value:d}{word[at + 1 :]}"


def flag_place(name: str, config: HeadConfig) -> int:
    """Place of a flag in the text of a ``token_payload``, whose highest bit comes first."""
    layout = token_layout(config)
    place: int = layout.size - 1 - layout[name].offset
    return place


def results_of(words: list[str], config: HeadConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Outputs y (Q, D) and latencies in cycles (Q,) from the text of Q results."""
    layout = result_layout(config)
    width = layout.size // layout.length
    text = np.frombuffer("".join(words).encode(), dtype=np.uint8).reshape(len(words), -1)
    bits = text.astype(np.int64) - ord("0")
    latency = bits[:, :32] @ (1 << np.arange(32)[::-1])
    weights = 1 << np.arange(width)[::-1]
    weights[0] = -weights[0]
    y_code = bits[:, 32:].reshape(len(words), layout.length, width) @ weights
    return y_code[:, ::-1], latency


def status_widths(config: HeadConfig) -> dict[str, int]:
    """Bits of each field of ``tb.status``, highest field first."""
    members = status_port(config).members.items()
    return {name: Shape.cast(member.shape).width for name, member in members}


def status_of(text: str, config: HeadConfig) -> dict[str, int]:
    """The fields of ``status_port`` from the text of ``tb.status``."""
    fields = {}
    for name, width in status_widths(config).items():
        fields[name], text = int(text[:width], 2), text[width:]
    return fields


def played_codes(
    magnitude: NDArray[np.integer], negative: NDArray[np.bool_], config: HeadConfig
) -> str:
    """``play`` of the pulse transport for codes (tiles, D): signs, then bit planes, high first."""
    bits = config.readout_bits
    text = np.empty((bits + 1, magnitude.size), dtype=np.uint8)
    text[0] = negative.ravel()[::-1]
    backwards = magnitude.ravel()[::-1].astype(np.uint8)
    np.right_shift(backwards, np.arange(bits, dtype=np.uint8)[::-1, None], out=text[1:])
    text &= 1
    text += ord("0")
    return text.tobytes().decode("ascii")


def counted_widths(text: str, config: HeadConfig) -> NDArray[np.int64]:
    """Query pulse lengths (D,) in cycles from the bit planes of ``counted``."""
    bits = np.frombuffer(text.encode(), dtype=np.uint8).reshape(-1, config.head_dim) & 1
    weights = 1 << np.arange(len(bits))[::-1]
    widths: NDArray[np.int64] = weights @ bits.astype(np.int64)
    return widths[::-1]


def _bits(codes: NDArray[Any], width: int) -> NDArray[np.uint8]:
    """Bits of packed codes, highest first: (T, D * width)."""
    backwards = codes[:, ::-1].astype(np.int64)
    places = np.arange(width)[::-1]
    return (backwards[:, :, None] >> places & 1).astype(np.uint8).reshape(len(codes), -1)
